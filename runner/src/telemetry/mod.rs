//! Sets up the log, once per process. Lines go to stderr. They contain what guests,
//! producers and Redis say, so both formats are escaped ([`printable`]). Any module
//! may log; this one knows nothing of what is logged.

#![expect(clippy::disallowed_methods, reason = "logs are escaped here")]

mod json;
pub(crate) mod limit;

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::printable;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One readable line each.
    Text,
    /// One JSON object each, with the fields at the top level.
    Json,
}

/// Set up logging, once per process.
///
/// `filter` is the value of `RUST_LOG` or the command's default, for example
/// `runner=info`. Without a `format`, a terminal gets text and anything else
/// JSON.
///
/// # Errors
/// When the filter cannot be parsed; the message names the faulty directive.
pub fn init(filter: &str, format: Option<LogFormat>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| anyhow::anyhow!("RUST_LOG {filter:?} is not a filter: {error}"))?;
    let terminal = std::io::stderr().is_terminal();
    let format = format.unwrap_or(if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Text => builder
            .with_writer(std::io::stderr)
            .with_ansi(
                anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never,
            )
            .event_format(Text { terminal })
            .init(),
        LogFormat::Json => builder
            .with_writer(|| Escaped)
            .event_format(json::Json)
            .init(),
    }
    Ok(())
}

/// Stderr for lines of JSON, in which only ASCII controls have been escaped.
struct Escaped;

impl Write for Escaped {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().write_all(printable::lines(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// `15:04:05.123 INFO  message key=value`. A guest's line begins with its queue
/// and job: `15:04:05.123 INFO  otp-queue/42 message`.
struct Text {
    /// Show the local time without the day: people who watch know the day, while a
    /// file is read later and elsewhere.
    terminal: bool,
}

impl<S, N> FormatEvent<S, N> for Text
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
        let mut fields = Fields::default();
        event.record(&mut fields);
        let colour = |style: Style| {
            if out.has_ansi_escapes() {
                style
            } else {
                Style::new()
            }
        };
        let dim = colour(Style::new().dimmed());
        let level = *event.metadata().level();
        let mark = colour(match level {
            Level::ERROR => AnsiColor::Red.on_default(),
            Level::WARN => AnsiColor::Yellow.on_default(),
            Level::INFO => AnsiColor::Green.on_default(),
            _ => Style::new().dimmed(),
        });
        #[expect(clippy::disallowed_methods, reason = "only shown")]
        let time = if self.terminal {
            jiff::Zoned::now().strftime("%H:%M:%S%.3f").to_string()
        } else {
            format!("{:.3}", jiff::Timestamp::now())
        };
        write!(out, "{dim}{time}{dim:#} {mark}{level:<5}{mark:#} ")?;
        if event.metadata().target() == "runner::guest" {
            let Fields { queue, job, .. } = &fields;
            return writeln!(out, "{dim}{queue}/{job}{dim:#} {}", fields.message);
        }
        writeln!(out, "{}{dim}{}{dim:#}", fields.message, fields.others())
    }
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    queue: String,
    job: String,
    rest: String,
}

impl Fields {
    /// All fields but the message, each with a space in front.
    fn others(&self) -> String {
        let named = |name: &str, value: &str| match value {
            "" => String::new(),
            value => format!(" {name}={value}"),
        };
        named("queue", &self.queue) + &named("job", &self.job) + &self.rest
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = printable::lines(&text).into_owned();
            return;
        }
        let target = match field.name() {
            "queue" => &mut self.queue,
            "job" | "jobId" => &mut self.job,
            name => {
                // Writing to a String does not fail.
                let _ = write!(self.rest, " {name}=");
                &mut self.rest
            }
        };
        target.push_str(&printable::inline(&text));
    }
}
