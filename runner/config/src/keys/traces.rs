//! `[traces]`

use std::sync::LazyLock;

use url::Url;

use super::{Keys, Kind, kind};
use crate::value::{self, Fault, Raw, fault};
use crate::{Relation, Traces};

pub(crate) static TRACES: LazyLock<Keys<Traces>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let address = Kind::new("URL", endpoint, Url::to_string);
        keys.value("endpoint", address.optional(), |traces| &mut traces.endpoint)
            .env(&["RUNNER_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
            .help(
                "\"http://127.0.0.1:4318/v1/traces\"",
                "Where a collector takes traces by OTLP over HTTP. Without it none are sent. `OTEL_EXPORTER_OTLP_ENDPOINT` is read, too, and `/v1/traces` is added to it.",
            );
        keys.elsewhere("headers", "table", |_| None)
            .default("`{}`")
            .help(
                "{ Authorization = \"env:OTLP_TOKEN\" }",
                "Header fields of each request, written as `secrets` of a plugin are.",
            )
            .sensitive();
        let share = Kind::new("share, 0 to 1", portion, f64::to_string);
        keys.value("sample", share, |traces| &mut traces.sample)
            .help(
                "0.1",
                "The share of traces that begin here and are recorded. A trace that a producer began is recorded if the producer records it.",
            );
        keys.value("relation", relation(), |traces| &mut traces.relation)
            .help(
                "\"parent\"",
                "How the span of a job belongs to that of its producer: `link` gives each attempt a trace of its own with a link, `parent` puts it into the producer's trace.",
            );
        keys.value("service", kind::text(), |traces| &mut traces.service)
            .env(&["OTEL_SERVICE_NAME"])
            .help("\"mail-runner\"", "`service.name` of the spans.");
    })
});

/// An address of a collector.
pub(crate) fn endpoint(raw: Raw<'_>) -> Result<Url, Fault> {
    let hint = "write \"http://127.0.0.1:4318/v1/traces\"";
    let text = value::text(raw)?;
    let url = Url::parse(&text).map_err(|_| raw.is_not("a URL", hint))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(fault(
            format!("must be a URL with http or https, found {scheme:?}"),
            hint,
        )),
    }
}

/// How many of them.
fn portion(raw: Raw<'_>) -> Result<f64, Fault> {
    let share = value::share(raw);
    share.map_err(|refused| fault(refused.message, "0.1 records a tenth of them"))
}

fn relation() -> Kind<Relation> {
    let names = Relation::ALL.map(Relation::name);
    let read = move |raw: Raw<'_>| {
        let name = value::word(raw, &names)?;
        let found = Relation::ALL.into_iter().find(|of| of.name() == name);
        Ok(found.unwrap_or_default())
    };
    Kind::new(names.join(", "), read, |of| of.name().to_owned()).quoted()
}
