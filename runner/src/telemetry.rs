//! Log set-up. Lines go to stderr, data to stdout.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

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
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder
            .with_ansi(
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            )
            .with_target(false)
            .init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
