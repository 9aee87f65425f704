//! `[traces]`, and the names that other exporters have for its settings.

use crate::Traces;
use crate::decode::{Decoder, Table};
use crate::keys::traces::{TRACES, endpoint};
use crate::origins::Source;

/// The path below which a collector takes traces (OpenTelemetry Protocol Exporter,
/// "Endpoint URLs for OTLP/HTTP").
const PATH: &str = "/v1/traces";

pub(super) fn read(decoder: &mut Decoder<'_>, root: &Table<'_>) -> Traces {
    let mut traces = Traces::default();
    if let Some(table) = decoder.table(root, "traces", TRACES.names()) {
        TRACES.read(decoder, &table, &mut traces);
        // One that is not set is not sent.
        traces.headers = decoder.secret_table(&table, "headers", &mut Vec::new());
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
