//! `[plugins.<name>]`; `load/` reads its values, since each is a list or a table with
//! a place of its own for each mistake.

use std::sync::LazyLock;

use super::{Keys, Kind, kind};
use crate::value::{self, LARGEST_SCRATCH};
use crate::{Argument, Plugin, Stdout};

pub(crate) static PLUGIN: LazyLock<Keys<Plugin>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("file", "path", |_| None)
            .default("`<name>.wasm` in `plugins`")
            .help("\"build/otp.wasm\"", "The component, or the program: a WASI command, as a component or a preview 1 module.");
        keys.elsewhere("source", "path", |_| None).help(
            "\"greeter\"",
            "The directory of its project, in any language with an SDK. `runner build` builds it into `file`, and `runner dev` does so whenever the source changes.",
        );
        keys.elsewhere("http", "list of origins", |_| None)
            .default("`[]`")
            .help(
                "[\"https://api.resend.com\", \"https://*.example.com\"]",
                "Origins it may call, on every path. `*.` stands for any subdomain. A name that resolves to an address that is not public is refused all the same; an address grants itself. When a `wasi:http` request, such as `fetch`, is refused or fails, the job's log gives the reason, as its error code says little.",
            );
        keys.elsewhere("http_networks", "list of networks", |_| None)
            .default("`[]`")
            .help(
                "[\"10.0.0.0/8\", \"127.0.0.1\"]",
                "Networks that are not public but that the names in `http` may resolve to.",
            );
        keys.elsewhere("config", "table", |_| None)
            .default("`{}`")
            .help(
                "{ app_name = \"Acme\", limits = { daily = 5 } }",
                "Settings that the plugin reads. A value that is not a string reaches it as JSON.",
            );
        keys.elsewhere("secrets", "table", |_| None)
            .default("`{}`")
            .help(
                "{ API_KEY = \"env:API_KEY\", TOKEN = \"file:/run/secrets/token\" }",
                "Secrets that the plugin reads: where they are, never what they are. `env:NAME` is an environment variable that must be set, `env:NAME?` one that may be missing, `file:path` the content of a file without its last line break.",
            )
            .sensitive();
        keys.elsewhere("dirs", "table", |_| None)
            .default("`{}`")
            .help(
                "{ \"/documents\" = \"data/documents\" }",
                "Directories it may read: the path that the plugin sees, and the directory on this machine. Only regular files and directories in them can be opened, no FIFO or device.",
            );
        keys.elsewhere("sql", "table", |_| None)
            .default("`{}`")
            .help(
                "{ main = \"env:DATABASE_URL\" }",
                "The databases it may use, by the names it knows them by; see below.",
            );
        keys.elsewhere("blobs", "table", |_| None)
            .default("`{}`")
            .help(
                "{ inbox = \"s3://uploads/incoming\" }",
                "The object stores it may use, by the names it knows them by; see below. They are read-only unless their own table says `write = true`.",
            );
        keys.table("kv", "true, false or table", super::kv::read, |plugin| {
            plugin.kv.as_ref().map(ToString::to_string)
        })
        .default("`false`")
        .help(
            "true",
            "Whether it may keep values in Redis that outlive the job, and in a table how many; see below.",
        );
        keys.elsewhere("args", "list of text", |_| None)
            .default("`[]`")
            .help(
                "[\"--shop\", \"{data.shopId}\", \"{name}\"]",
                "What a command is called with. A placeholder in braces stands for something of the job: `{id}`, `{name}`, `{queue}`, `{attempt}`, `{maxAttempts}`, `{requestId}`, `{deadline}`, the payload `{data}` or a value in it, `{data.items.0.sku}`. It is a part of one argument, whatever it holds. A job without the value is rejected, unless a question mark allows for that: `{data.note?}`. `{{` is a brace.",
            );
        keys.value("argv0", kind::text().optional(), |plugin| &mut plugin.argv0)
            .default("the plugin's name")
            .help(
                "\"yosys\"",
                "The name that a command is called by, its argument 0. Some programs look at it.",
            );
        keys.value("stdin", argument().optional(), |plugin| &mut plugin.stdin)
            .default("`\"{data}\"`")
            .help(
                "\"{data.svg}\"",
                "What a command reads from standard input, with placeholders as in `args`: the payload, or a part of it for a program that does not read JSON.",
            );
        keys.value("stdout", stdout(), |plugin| &mut plugin.stdout)
            .help(
                "\"base64\"",
                "How what a command writes to standard output becomes the result: `json` as it is if it is JSON, else as a text; `text` always as a text; `base64` for images and other bytes.",
            );
        keys.elsewhere("env", "table", |_| None)
            .default("`{}`")
            .help(
                "{ TZ = \"Europe/Berlin\", API_KEY = \"env:API_KEY\" }",
                "Environment variables that the plugin sees, text or secrets, which are written as in `secrets`. A command has `RUNNER_JOB_ID` and others beside them.",
            )
            .sensitive();
        keys.value("scratch", kind::size(LARGEST_SCRATCH).optional(), |plugin| {
            &mut plugin.scratch
        })
        .help(
            "\"64MiB\"",
            "A private directory at `/tmp` for each job, empty at first and gone with the job, for so many bytes of files. Each file and directory takes 4 KiB at least. What does not fit is refused as on a full disk.",
        );
    })
});

fn argument() -> Kind<Argument> {
    Kind::new("text", Argument::read, Argument::to_string)
}

fn stdout() -> Kind<Stdout> {
    let names = Stdout::ALL.map(Stdout::name);
    Kind::new(
        names.join(", "),
        move |raw| {
            let name = value::word(raw, &names)?;
            let found = Stdout::ALL.into_iter().find(|of| of.name() == name);
            Ok(found.unwrap_or_default())
        },
        |stdout| stdout.name().to_owned(),
    )
    .quoted()
}
