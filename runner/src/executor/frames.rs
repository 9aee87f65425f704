//! Where a guest was when it trapped, as its compiler named the places: functions from
//! the name section, files and lines from DWARF where the plugin has it.

use wasmtime::{FrameInfo, FrameSymbol, WasmBacktrace};

use crate::printable;

/// The guest's frames, innermost first: `otp_sender::send (src/lib.rs:12)`.
pub(super) fn of(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let mut frames: Vec<String> = backtrace.frames().iter().flat_map(told).collect();
    // The adapter of preview 1, in which a guest exits.
    frames.retain(|frame| frame != "proc_exit" && !frame.starts_with("wasi_snapshot_preview1::"));
    let named = frames.iter().any(|frame| is_named(frame));
    // What a panic of Rust does to end itself says nothing about the plugin.
    if let Some(at) = frames
        .iter()
        .rposition(|frame| frame.starts_with("core::panicking::"))
    {
        frames.drain(..=at);
    }
    // Nor does the way in, which has no names.
    while named && frames.last().is_some_and(|frame| !is_named(frame)) {
        frames.pop();
    }
    frames
}

fn is_named(frame: &str) -> bool {
    !frame.starts_with("function ")
}

/// One frame, and before it those that were inlined into it.
fn told(frame: &FrameInfo) -> Vec<String> {
    let function = frame
        .func_name()
        .map_or_else(|| format!("function {}", frame.func_index()), demangled);
    let symbols = frame.symbols();
    let placed = symbols.iter().filter_map(|symbol| {
        let name = symbol.name().map_or_else(|| function.clone(), demangled);
        Some(format!("{name} ({})", place(symbol)?))
    });
    let mut told: Vec<String> = placed.collect();
    if told.is_empty() {
        told.push(function);
    }
    // A name in a component may be any text.
    let printable = |text: String| printable::inline(&text).into_owned();
    told.into_iter().map(printable).collect()
}

fn place(symbol: &FrameSymbol) -> Option<String> {
    let file = symbol.file()?;
    Some(match symbol.line() {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    })
}

fn demangled(name: &str) -> String {
    // The alternative form leaves out the hash at the end.
    format!("{:#}", rustc_demangle::demangle(name))
}

/// Whether a few functions call each other again and again.
pub(super) fn recur(frames: &[String]) -> bool {
    /// Frames of recursion; wasmtime tells of 20.
    const DEEP: usize = 12;
    let deep = frames.get(..DEEP).unwrap_or_default();
    (1..=4).any(|round| !deep.is_empty() && deep.iter().zip(&deep[round..]).all(|(a, b)| a == b))
}

/// Frames that are the same one after the other, told once: recursion has nothing else.
pub(super) fn folded(frames: Vec<String>, most: usize) -> Vec<String> {
    let mut folded = Vec::new();
    let mut frames = frames.into_iter().peekable();
    while let Some(frame) = frames.next() {
        let mut more = 0;
        while frames.next_if_eq(&frame).is_some() {
            more += 1;
        }
        folded.push(frame);
        match more {
            0 => {}
            1 => folded.extend(folded.last().cloned()),
            _ => folded.push(format!("[the same, {more} more times]")),
        }
    }
    folded.truncate(most);
    folded
}

#[cfg(test)]
mod tests {
    use super::{folded, recur};

    #[test]
    fn a_few_functions_that_call_each_other_recur() {
        let frames = |names: &[&str]| -> Vec<String> {
            let names = names.iter().cycle().take(20);
            names.map(|name| (*name).to_owned()).collect()
        };
        assert!(recur(&frames(&["deeper"])));
        assert!(recur(&frames(&["list", "item", "value"])));
        assert!(!recur(&frames(&["a", "b", "c", "d", "e", "f"])));
        assert!(!recur(&frames(&["deeper"])[..8]));
        assert!(!recur(&[]));
    }

    #[test]
    fn frames_that_repeat_are_told_once() {
        let frames = ["a", "b", "b", "b", "c", "c", "a"].map(str::to_owned);
        assert_eq!(
            folded(frames.to_vec(), 32),
            ["a", "b", "[the same, 2 more times]", "c", "c", "a"]
        );
        assert_eq!(folded(frames.to_vec(), 2), ["a", "b"]);
    }
}
