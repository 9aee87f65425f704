//! `[plugins.<name>]`; `load/` reads its values, since each is a list or a table with
//! a place of its own for each mistake.

use std::sync::LazyLock;

use super::Keys;
use crate::Plugin;

pub(crate) static PLUGIN: LazyLock<Keys<Plugin>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("file", "path", |_| None)
            .default("`<name>.wasm` in `plugins`")
            .help("\"build/otp.wasm\"", "The component.");
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
    })
});
