//! A log line as one JSON object: time, level, the fields of the event at the top level,
//! and where it comes from. An event may bring fields whose names are only known while
//! the process runs, in a field [`MORE`] that is a JSON object; no other gives way to them.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The field whose own fields stand beside it.
const MORE: &str = "more";

/// Writes an event as one JSON object.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        #[expect(clippy::disallowed_methods, reason = "only shown")]
        let now = format!("{:.6}", jiff::Timestamp::now());
        line.0.insert("timestamp".to_owned(), now.into());
        let level = event.metadata().level().as_str();
        line.0.insert("level".to_owned(), level.into());
        event.record(&mut line);
        if let Some(Value::String(more)) = line.0.shift_remove(MORE)
            && let Ok(more) = serde_json::from_str::<Map<String, Value>>(&more)
        {
            for (name, value) in more {
                line.0.entry(name).or_insert(value);
            }
        }
        let target = event.metadata().target();
        line.0.insert("target".to_owned(), target.into());
        writeln!(out, "{}", Value::Object(line.0))
    }
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
