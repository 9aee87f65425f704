//! A command: the result that a program leaves on stdout, and its own end of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use wasmtime_wasi::I32Exit;

use super::State;
use super::program::Stdout;
use crate::config;
use crate::contract::is_json;
use runner_bindings::program::runner::command::program;

/// Bytes of a page of memory.
const PAGE: usize = 64 << 10;

/// Why a program has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoResult {
    /// It wrote more than this queue stores.
    TooLarge,
    /// It is not UTF-8, from this byte on.
    NotText(usize),
}

impl State {
    /// What a program wrote to stdout, as JSON. A text is without the line end that
    /// programs put after their last line. `None` when there is nothing.
    ///
    /// # Errors
    /// When it cannot be a result.
    pub fn result(&self) -> Result<Option<String>, NoResult> {
        let Stdout::Result(capture) = &self.stdout else {
            return Ok(None);
        };
        if capture.is_over() {
            return Err(NoResult::TooLarge);
        }
        let bytes = capture.take();
        let as_text = |text: &str| Some(serde_json::Value::from(text).to_string());
        if self.plugin.stdout == config::Stdout::Base64 {
            let text = (!bytes.is_empty()).then(|| BASE64.encode(bytes));
            return Ok(text.as_deref().and_then(as_text));
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| NoResult::NotText(error.utf8_error().valid_up_to()))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(match text {
            "" => None,
            text if self.plugin.stdout == config::Stdout::Text => as_text(text),
            text if is_json(text).is_ok() => Some(text.to_owned()),
            text => as_text(text),
        })
    }

    /// Whether a program was ended because it wrote too much.
    pub fn wrote_too_much(&self) -> bool {
        matches!(&self.stdout, Stdout::Result(capture) if capture.is_over())
    }
}

impl program::Host for State {
    /// The whole code reaches the executor, as that of WASI's own exit does.
    fn exit(&mut self, code: u32) -> wasmtime::Result<()> {
        Err(wasmtime::Error::from(I32Exit(code as i32)))
    }

    fn memory(&mut self) -> wasmtime::Result<u32> {
        // One less than all: then the end of the last has an address.
        const MOST: usize = u16::MAX as usize;
        Ok((self.settings.memory / PAGE).min(MOST) as u32)
    }
}
