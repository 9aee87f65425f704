//! `[traces]`, and the names that other exporters have for its settings.

use crate::Traces;
use crate::decode::{Decoder, Table};
use crate::keys::route::is_header;
use crate::keys::traces::{TRACES, endpoint};
use crate::origins::{Source, join};
use crate::value::fault;

/// The path below which a collector takes traces (OpenTelemetry Protocol Exporter,
/// "Endpoint URLs for OTLP/HTTP").
const PATH: &str = "/v1/traces";

/// Refuse header fields that no request can have.
fn check(decoder: &mut Decoder<'_>, table: &Table<'_>, traces: &Traces) {
    for (name, secret) in &traces.headers {
        let fault = match secret.0.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            _ if !is_header(name) => fault("is not the name of a header", "write Authorization"),
            false => fault(
                "has a value that no header can have",
                "take line breaks and what is not ASCII out of the secret",
            ),
            true => continue,
        };
        let entries = decoder.free_entries(table, "headers");
        if let Some(entry) = entries.iter().find(|entry| entry.key == name) {
            let path = join(&join(&table.path, "headers"), name);
            decoder.refuse(entry.key_span.clone(), &path, fault);
        }
    }
}

pub(super) fn read(decoder: &mut Decoder<'_>, root: &Table<'_>) -> Traces {
    let mut traces = Traces::default();
    if let Some(table) = decoder.table(root, "traces", TRACES.names()) {
        TRACES.read(decoder, &table, &mut traces);
        // One that is not set is not sent.
        traces.headers = decoder.secret_table(&table, "headers", &mut Vec::new());
        check(decoder, &table, &traces);
    }
    TRACES.read_env(decoder, "traces", &mut traces);
    let path = "traces.endpoint";
    if !matches!(decoder.origins.of(path), Source::Env(_))
        && let Some(mut base) = decoder.env_value(path, &["OTEL_EXPORTER_OTLP_ENDPOINT"], endpoint)
    {
        let below = base.path().trim_end_matches('/').to_owned() + PATH;
        base.set_path(&below);
        traces.endpoint = Some(base);
    }
    traces
}
