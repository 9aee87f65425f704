//! `[queues.<name>.webhooks.<name>]`

use std::sync::LazyLock;

use super::{Keys, kind};
use crate::webhook::Webhook;
use runner_text::units;

/// A payload larger than that belongs into no webhook.
const LARGEST_PAYLOAD: usize = 16 << 20;

pub(crate) static WEBHOOK: LazyLock<Keys<Webhook>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.elsewhere("url", "URL", |webhook| Some(webhook.url.clone()))
            .default("required")
            .help(
                "\"https://crm.example.com/hooks/jobs\"",
                "Where to. A name that resolves to an address that is not public is refused; an address grants itself. Redirects are not followed.",
            );
        keys.elsewhere("on", "list of `completed`, `failed`", |webhook| {
            let ends = [(webhook.completed, "completed"), (webhook.failed, "failed")];
            let told: Vec<_> = ends
                .iter()
                .filter(|(told, _)| *told)
                .map(|(_, end)| *end)
                .collect();
            Some(told.join(", "))
        })
        .default("`[\"completed\", \"failed\"]`")
        .help(
            "[\"failed\"]",
            "Which ends of jobs are told. `failed` means for good: no attempt is left.",
        );
        keys.elsewhere("names", "list of names", |webhook| {
            let names: Vec<_> = webhook.names.iter().map(|name| name.0.clone()).collect();
            (!names.is_empty()).then(|| names.join(", "))
        })
        .default("all")
        .help(
            "[\"send-*\"]",
            "The names of the jobs that are told; `*` stands for any characters.",
        );
        keys.elsewhere("secret", "`env:NAME`, `file:path`, or a list", |_| None)
            .default("required")
            .help(
                "[\"env:NEW_SECRET\", \"env:OLD_SECRET?\"]",
                "Where the key is: `whsec_` and base64. Each of several signs, so that the receiver can change over.",
            )
            .sensitive();
        keys.elsewhere("http_networks", "list of networks", |_| None)
            .default("`[]`")
            .help(
                "[\"10.0.0.0/8\"]",
                "Networks that are not public but that the name in `url` may resolve to.",
            );
        keys.elsewhere("headers", "table", |webhook| {
            let names: Vec<_> = webhook.headers.keys().cloned().collect();
            (!names.is_empty()).then(|| names.join(", "))
        })
        .default("`{}`")
        .help(
            "{ X-Source = \"runner\" }",
            "Further header fields; a value may be a secret, `env:NAME`.",
        )
        .sensitive();
        keys.value("payload", kind::boolean(), |webhook| &mut webhook.payload).help(
            "false",
            "Whether `data` and `returnvalue` are sent. Their sensitive fields are covered in any case.",
        );
        keys.value("max_payload", kind::size(LARGEST_PAYLOAD), |webhook| {
            &mut webhook.max_payload
        })
        .help(
            "\"64KiB\"",
            "`data` or `returnvalue` with more bytes is left out, and `omitted` says so.",
        );
        keys.value("timeout", kind::duration(), |webhook| &mut webhook.timeout)
            .help("\"5s\"", "How long one attempt may take.");
        keys.value("attempts", kind::from_one(), |webhook| {
            &mut webhook.attempts
        })
        .help("5", "Attempts in all.");
        keys.elsewhere("waits", "list of durations", |webhook| {
            let waits: Vec<_> = webhook.waits.iter().map(|wait| units::duration(*wait)).collect();
            Some(waits.join(", "))
        })
        .default("`[\"5s\", \"5m\", \"30m\", \"2h\", \"5h\", \"10h\", \"14h\", \"20h\", \"1d\"]`")
        .help(
            "[\"1s\", \"1m\", \"1h\"]",
            "The waits between attempts, each made longer or shorter by up to a tenth by chance; the last is that of all further ones.",
        );
        keys.elsewhere("dead_letter", "name of a queue", |webhook| {
            webhook.dead_letter.as_ref().map(|to| to.queue.clone())
        })
        .default("it stays in `failed` of the queue `<name>-webhooks`")
        .help(
            "\"undelivered\"",
            "Where a copy of a delivery goes that has failed for good.",
        );
    })
});
