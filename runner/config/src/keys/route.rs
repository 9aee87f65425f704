//! `[[routes]]`, and what is inside: `verify`, `answer`, `children`.

use std::sync::LazyLock;

use super::{Keys, Kind, kind};
use crate::value::{self, Fault, Raw};
use crate::webhook::{
    Algorithm, Answer, Encoding, Form, Format, Method, OnFailure, Route, RouteJob, Scheme, Text,
    Verify,
};

/// As much as a body may have: what `[server]` may take for one request, too.
const LARGEST_BODY: usize = 64 << 20;

/// What a route has beside the keys of its job.
pub(crate) static ROUTE: LazyLock<Keys<Route>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("path", kind::text(), |route| &mut route.path)
            .default("required")
            .help(
                "\"/hooks/{shop}\"",
                "The path of the requests. A name in braces is a parameter, which stands for one segment and is `{path.shop}` in templates.",
            );
        let method = word(Method::ALL.map(|method| (method.name(), method)));
        keys.value("method", method, |route| &mut route.method)
            .help("\"PUT\"", "Their method.");
        keys.elsewhere("verify", "table, see below", |route| {
            Some(route.verify.scheme.name().to_owned())
        })
        .default("required")
        .help(
            "{ scheme = \"github\", secret = \"env:GITHUB_SECRET\" }",
            "How a request proves who has sent it. What fails is answered 401, and nothing is added.",
        );
        keys.elsewhere("once", "template, false", |route| {
            route.once.as_ref().map(ToString::to_string)
        })
        .default("what the scheme names a delivery by")
        .help(
            "\"{body.id}\"",
            "What names a delivery. A second one with the same text adds nothing and is answered 200. `false` lets each add a job.",
        );
        keys.value("once_for", kind::duration(), |route| &mut route.once_for)
            .help("\"7d\"", "For how long deliveries are remembered.");
        let format = word(Format::ALL.map(|format| (format.name(), format)));
        keys.value("format", format, |route| &mut route.format).help(
            "\"form\"",
            "How the body is read: `auto` takes a form where `Content-Type` says so, else JSON; `text` makes the whole body one text.",
        );
        keys.value("max_body", kind::size(LARGEST_BODY), |route| {
            &mut route.max_body
        })
        .help("\"256KiB\"", "A larger body is answered 413.");
        keys.elsewhere("answer", "table, see below", |route| {
            Some(route.answer.status.to_string())
        })
        .default("`{ status = 202 }`")
        .help(
            "{ status = 200, body = \"ok\" }",
            "What is answered when the job is there.",
        );
    })
});

/// The job of a route, and each of its children.
pub(crate) static ROUTE_JOB: LazyLock<Keys<RouteJob>> = LazyLock::new(|| {
    Keys::new(|keys| {
        keys.value("queue", template(), |job| &mut job.queue)
            .default("required")
            .help(
                "\"orders\"",
                "A queue of this file. From a placeholder, another queue is answered 422.",
            );
        keys.value("name", template(), |job| &mut job.name)
            .default("required")
            .help("\"{header.X-Shopify-Topic}\"", "The job's name.");
        keys.value("id", template().optional(), |job| &mut job.id).help(
            "\"order-{body.id}\"",
            "The job's id. While a job with this id is there, no other is added, and the answer is 200.",
        );
        keys.value("delay", template().optional(), |job| &mut job.delay).help(
            "\"5m\"",
            "How long it waits before it may start: a duration, or milliseconds from a placeholder.",
        );
        keys.value("priority", template().optional(), |job| &mut job.priority)
            .help(
                "\"{body.priority?}\"",
                "Its priority: 1 is first, 2097151 last, and 0 goes before all.",
            );
        let payload = Kind::new("any value, with templates", Form::read, Form::to_string);
        keys.value("payload", payload, |job| &mut job.payload)
            .default("the whole body")
            .help(
                "{ shop = \"{path.shop}\", order = \"{body}\" }",
                "The payload. A text that is a single placeholder becomes the value itself, of whatever type and to the last digit; `?` at its end leaves the field out where the request has no such value.",
            );
        keys.elsewhere("children", "list of tables", |job| {
            (!job.children.is_empty()).then(|| job.children.len().to_string())
        })
        .help(
            "[[routes.children]]",
            "Jobs that this one waits for, with these keys and `on_failure`; they may have children themselves.",
        );
    })
});

/// What a child has besides.
pub(crate) static ROUTE_CHILD: LazyLock<Keys<RouteJob>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let on_failure = word(OnFailure::ALL.map(|of| (of.name(), of))).optional();
        keys.value("on_failure", on_failure, |job| &mut job.on_failure)
            .default("the parent waits until the child is retried")
            .help(
                "\"fail\"",
                "What happens to the parent when this child fails for good: `fail` fails it, `continue` runs it at once, `ignore` and `remove` run it when the others are done (BullMQ's `failParentOnFailure`, `continueParentOnFailure`, `ignoreDependencyOnFailure`, `removeDependencyOnFailure`).",
            );
    })
});

/// `verify`
pub(crate) static VERIFY: LazyLock<Keys<Verify>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let scheme = word(Scheme::ALL.map(|scheme| (scheme.name(), scheme)));
        keys.value("scheme", scheme, |verify| &mut verify.scheme)
            .default("required")
            .help(
                "\"stripe\"",
                "Whose way it is; `none` lets anybody add jobs.",
            );
        keys.elsewhere("secret", "`env:NAME`, `file:path`, or a list", |_| None)
            .default("required, but for `jwt` and `none`")
            .help(
                "[\"env:NEW_SECRET\", \"env:OLD_SECRET?\"]",
                "Where the key is. Of several, any will do, so that one can take the place of another.",
            )
            .sensitive();
        keys.value("tolerance", kind::duration(), |verify| &mut verify.tolerance)
            .help(
                "\"2m\"",
                "How far the signed time may be from the time of this machine (`stripe`, `standard-webhooks`, and `hmac` with `timestamp`).",
            );
        keys.value("origin", kind::text(), |verify| &mut verify.origin)
            .default("required for `twilio`")
            .help(
                "\"https://hooks.example.com\"",
                "What stands before the path in the URL that Twilio calls and signs.",
            );
        let header = || Kind {
            read: Box::new(header),
            ..kind::text()
        };
        keys.value("header", header().optional(), |verify| &mut verify.header)
            .default("required for `hmac`; `Authorization` for `token`")
            .help(
                "\"X-Signature\"",
                "The header with the signature (`hmac`) or the secret (`token`).",
            );
        let algorithm = word(Algorithm::ALL.map(|of| (of.name(), of)));
        keys.value("algorithm", algorithm, |verify| &mut verify.algorithm)
            .help("\"sha512\"", "The hash of `hmac`.");
        let encoding = word(Encoding::ALL.map(|of| (of.name(), of)));
        keys.value("encoding", encoding, |verify| &mut verify.encoding)
            .help("\"base64\"", "How `hmac` writes its signature.");
        keys.value("prefix", kind::text(), |verify| &mut verify.prefix)
            .default("none; `Bearer ` for `token` in `Authorization`")
            .help(
                "\"sha256=\"",
                "What stands before the signature or the secret in its header.",
            );
        keys.value("signed", template().optional(), |verify| &mut verify.signed)
            .default("`\"{body}\"`")
            .help(
                "\"v0:{header.X-Slack-Request-Timestamp}:{body}\"",
                "What `hmac` signs: `{body}` is the body, byte for byte.",
            );
        keys.value("timestamp", header().optional(), |verify| &mut verify.timestamp)
            .help(
                "\"X-Slack-Request-Timestamp\"",
                "The header with the time of `hmac`, in seconds since 1970. It must be part of `signed`.",
            );
    })
});

/// `answer`
pub(crate) static ANSWER: LazyLock<Keys<Answer>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let status = Kind::new("200 to 299", status, u16::to_string);
        keys.value("status", status, |answer| &mut answer.status)
            .help("204", "The status.");
        let body = Kind::new("any value", body, |body: &Option<String>| {
            body.clone().unwrap_or("none".to_owned())
        });
        keys.value("body", body, |answer| &mut answer.body)
            .default("`jobId`, `queue`, `name` and `state`; all `jobs` of a flow")
            .help(
                "\"<Response/>\"",
                "The body: a text as it is, anything else as JSON.",
            );
        keys.value("type", kind::text().optional(), |answer| {
            &mut answer.content_type
        })
        .default("`text/plain` for a text, else `application/json`")
        .help("\"text/xml\"", "Its `Content-Type`.");
    })
});

fn template() -> Kind<Text> {
    Kind::new("template", Text::read, Text::to_string).quoted()
}

/// One of these words.
fn word<const N: usize, V: Copy + PartialEq + Send + Sync + 'static>(
    words: [(&'static str, V); N],
) -> Kind<V> {
    let names = words.map(|(name, _)| name);
    Kind::new(
        names.join(", "),
        move |raw| {
            let found = value::word(raw, &names)?;
            let of = words.iter().find(|(name, _)| *name == found);
            Ok(of.expect("it is one of them").1)
        },
        move |of| {
            let found = words.iter().find(|(_, word)| word == of);
            found
                .map(|(name, _)| (*name).to_owned())
                .unwrap_or_default()
        },
    )
    .quoted()
}

/// The name of a header field (RFC 9110, `token`).
fn header(raw: Raw<'_>) -> Result<String, Fault> {
    let name = value::text(raw)?;
    match is_header(&name) {
        true => Ok(name),
        false => Err(raw.is_not("the name of a header", "write \"X-Signature\"")),
    }
}

/// Whether a header can have this name.
pub(crate) fn is_header(name: &str) -> bool {
    let marks = b"!#$%&'*+-.^_`|~";
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
}

fn status(raw: Raw<'_>) -> Result<u16, Fault> {
    match value::count(raw)? {
        status @ 200..=299 => Ok(status as u16),
        _ => Err(raw.is_not(
            "a status from 200 to 299",
            "a sender takes any other for a failure and sends the request again",
        )),
    }
}

fn body(raw: Raw<'_>) -> Result<Option<String>, Fault> {
    match raw {
        Raw::Toml(of) => Ok(Some(match of.as_str() {
            Some(text) => text.to_owned(),
            None => value::json(of)?.to_string(),
        })),
        Raw::Text(text) => Ok(Some(text.to_owned())),
    }
}
