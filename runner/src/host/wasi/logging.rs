//! `wasi:logging`, for components that were built on public SDKs: their lines go
//! where those of `runner:plugin/log` go.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker};

use crate::host::State;
use runner_bindings::runner::plugin::log;

/// The interface never left the draft; SDKs import it with and without a version.
pub(super) const LOGGING: [&str; 2] = ["wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"];

/// Its levels.
#[expect(dead_code, reason = "a guest's level is taken by its number")]
#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
    #[component(name = "critical")]
    Critical,
}

/// Offer it.
pub(in crate::host) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for name in LOGGING {
        linker.instance(name)?.func_wrap(
            "log",
            |store: StoreContextMut<'_, State>, (level, context, message): (_, String, String)| {
                store.data().write_line(level, context, &message);
                Ok(())
            },
        )?;
    }
    Ok(())
}

impl State {
    /// The context, which groups lines, is a field. Runner's log has no level above
    /// `error`, so that one is a field, too.
    fn write_line(&self, level: Level, context: String, message: &str) {
        let mut fields = Vec::new();
        if !context.is_empty() {
            fields.push(("context".to_owned(), context));
        }
        if let Level::Critical = level {
            fields.push(("level".to_owned(), "critical".to_owned()));
        }
        let level = match level {
            Level::Trace => log::Level::Trace,
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error | Level::Critical => log::Level::Error,
        };
        self.log.write(level, message, &fields);
    }
}
