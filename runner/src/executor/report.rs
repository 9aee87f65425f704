//! What the runtime of a guest's language wrote to stderr when it gave up: the
//! error in the guest's own words, and its own frames.
//!
//! Each form is recognised by what its runtime always writes around it. Empty
//! lines are not here any more.

/// Lines of an error: a message may have several, and what follows it is not
/// marked.
const LINES: usize = 16;
/// Lines of a report that nothing marks as the end of a guest: further away from
/// it, they are what the guest logged and went on.
const LAST: usize = 3;

/// The end of a guest as its runtime tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The error: `ValueError: amount`, `panic: boom`.
    pub(super) reason: String,
    /// Innermost first: `handle (app.py:12)`. Empty when it does not tell.
    pub(super) frames: Vec<String>,
}

/// The report at the end of the output, if it has one.
pub(super) fn read(output: &[String]) -> Option<Report> {
    let lines: Vec<&str> = output.iter().map(String::as_str).collect();
    let forms = [python, quickjs, rust, starling, stuck, go, single];
    forms.iter().find_map(|form| form(&lines))
}

/// Words of runtimes for memory that is not to be had.
const MEMORY: [&str; 9] = [
    "MemoryError",
    "out of memory",
    "Out of memory",
    "memory allocation of ",
    "allocation failed",
    "allocation size overflow",
    "Cannot allocate memory",
    "bad_alloc",
    // QuickJS has none left for an error, and throws null.
    "FromJs { from: \"null\"",
];

/// Whether a guest says that it had no memory.
pub(super) fn is_about_memory(reason: &str) -> bool {
    MEMORY.iter().any(|words| reason.contains(words))
}

impl Report {
    /// Whether it says that there was no memory.
    pub(super) fn is_about_memory(&self) -> bool {
        is_about_memory(&self.reason)
    }

    /// Whether it is the report of this failure, which an SDK caught and returned.
    pub(super) fn tells(&self, reason: &str) -> bool {
        self.reason.lines().next() == reason.lines().next()
    }

    /// Without frames.
    pub(super) fn of(reason: impl Into<String>) -> Report {
        Report {
            reason: reason.into(),
            frames: Vec::new(),
        }
    }
}

/// CPython in componentize-py: a traceback whose last lines are the exception;
/// then the runtime around it panics without knowing more.
fn python(lines: &[&str]) -> Option<Report> {
    let (lines, panic) = match panicked(lines) {
        Some(at) => (&lines[..at], Some(&lines[at..])),
        None => (lines, None),
    };
    if panic.is_some_and(|panic| !panic.iter().any(|line| line.starts_with("Python function"))) {
        return None;
    }
    let begin = |line: &&str| *line == "Traceback (most recent call last):";
    let trace = &lines[lines.iter().rposition(begin)? + 1..];
    let error = trace.iter().position(|line| !line.starts_with(' '))?;
    if panic.is_none() && trace.len() - error > LAST {
        return None;
    }
    let mut frames: Vec<String> = trace[..error]
        .iter()
        .filter_map(|line| frame(line))
        .collect();
    frames.reverse();
    Some(Report {
        reason: joined(&trace[error..]),
        frames,
    })
}

/// `  File "/0/app.py", line 16, in handle`. The source lines between are left
/// out.
fn frame(line: &str) -> Option<String> {
    if line.starts_with("  [Previous line repeated") {
        return Some(line.trim().to_owned());
    }
    let (file, rest) = line.strip_prefix("  File \"")?.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ")?;
    Some(format!("{function} ({file}:{number})"))
}

/// QuickJS in componentize-qjs: its runtime panics with the exception in Rust's
/// notation.
fn quickjs(lines: &[&str]) -> Option<Report> {
    let panic = &lines[panicked(lines)?..];
    let exception = "Exception { message: Some(\"";
    let exception = panic.iter().find_map(|line| line.strip_prefix(exception))?;
    let (message, rest) = exception.split_once("\"), stack: ")?;
    let stack = rest.strip_prefix("Some(\"").unwrap_or_default();
    let stack = unescaped(stack.split("\")").next().unwrap_or_default());
    let frames = stack
        .lines()
        .filter_map(|line| line.trim().strip_prefix("at "));
    Some(Report {
        reason: unescaped(message),
        frames: frames.map(str::to_owned).collect(),
    })
}

/// Rust: `thread '…' panicked at src/lib.rs:10:5:` and the message on the lines
/// after it.
fn rust(lines: &[&str]) -> Option<Report> {
    let at = panicked(lines)?;
    let (_, place) = lines[at].split_once("panicked at ")?;
    let end = |line: &&str| line.starts_with("note: ") || line.starts_with("stack backtrace:");
    let message: Vec<&str> = lines[at + 1..]
        .iter()
        .copied()
        .take_while(|line| !end(line))
        .collect();
    let reason = format!("panicked at {place} {}", message.join("\n"));
    Some(Report::of(reason.trim_end()))
}

/// StarlingMonkey in componentize-js: the error, `Stack:` and frames such as
/// `  handle@app.js:5:15`. What was thrown and is no failure is quoted by the code
/// that wanted to pass it on.
fn starling(lines: &[&str]) -> Option<Report> {
    let at = lines.iter().rposition(|line| *line == "Stack:")?;
    let error = lines[..at].last()?;
    let thrown = error.split_once("(received `").map(|(_, thrown)| thrown);
    let thrown = thrown.and_then(|thrown| thrown.rsplit_once("`) specified for `"));
    let frames = lines[at + 1..]
        .iter()
        .map_while(|line| line.strip_prefix("  "));
    let frames = frames.map(|line| match line.split_once('@') {
        Some((function, place)) if !function.is_empty() => format!("{function} ({place})"),
        _ => line.to_owned(),
    });
    Some(Report {
        reason: thrown.map_or(*error, |(thrown, _)| thrown).to_owned(),
        frames: frames.collect(),
    })
}

/// StarlingMonkey, when a handler waits for what will never come.
fn stuck(lines: &[&str]) -> Option<Report> {
    let last = &lines[lines.len().saturating_sub(LAST)..];
    let says = |line: &&str| line.contains("event loop error, but no exception is pending");
    last.iter().any(says).then(|| {
        Report::of("the handler waits for a promise that nothing settles: its event loop is empty")
    })
}

/// Go: `panic: …`, with what it was panicking of already, or `fatal error: …`; then
/// the goroutine's calls, each with its place on the next line.
fn go(lines: &[&str]) -> Option<Report> {
    let begins = |line: &&str| line.starts_with("panic: ") || line.starts_with("fatal error: ");
    let report = &lines[lines.iter().rposition(begins)?..];
    let nested = |line: &&str| line.starts_with("\tpanic: ");
    let nested = report[1..].iter().copied().take_while(nested);
    let reason: Vec<&str> = report[..1].iter().copied().chain(nested).collect();
    let follows = |line: &&str| {
        let starts = ["goroutine ", "[signal ", "runtime stack:"];
        starts.iter().any(|start| line.starts_with(start))
    };
    if !report.get(reason.len()).is_none_or(follows) {
        return None;
    }
    let running = report
        .iter()
        .position(|line| line.starts_with("goroutine "));
    let calls = running.map_or(&[][..], |at| &report[at + 1..]);
    let frames = calls.chunks(2).map_while(|call| {
        let place = call.get(1)?.strip_prefix('\t')?;
        let place = place.split(" +0x").next().unwrap_or(place);
        let function = call[0].rsplit_once('(').map_or(call[0], |(name, _)| name);
        Some(format!("{function} ({place})"))
    });
    Some(Report {
        reason: reason.join("\n"),
        frames: frames.collect(),
    })
}

/// Runtimes that say it in one line: `assert` of C, C++, AssemblyScript, Zig.
fn single(lines: &[&str]) -> Option<Report> {
    const STARTS: [&str; 3] = ["Assertion failed: ", "libc++abi: ", "abort: "];
    let zig = |line: &str| line.starts_with("thread ") && line.contains(" panic: ");
    let says = |line: &&&str| STARTS.iter().any(|start| line.starts_with(start)) || zig(line);
    let last = &lines[lines.len().saturating_sub(LAST)..];
    last.iter().rfind(says).map(|line| Report::of(*line))
}

/// Where the last panic of Rust begins.
fn panicked(lines: &[&str]) -> Option<usize> {
    lines.iter().rposition(|line| line.contains("panicked at "))
}

fn joined(lines: &[&str]) -> String {
    lines[..lines.len().min(LINES)].join("\n")
}

/// A string as Rust's `{:?}` writes it, read back.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('u') => {
                let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let c = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(output: &str, reason: &str, frames: &[&str]) {
        let lines = output.lines().filter(|line| !line.trim().is_empty());
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        let report = read(&lines).expect("a report");
        assert_eq!(report.reason, reason);
        assert_eq!(report.frames, frames);
    }

    /// What componentize-py 0.25 adds to every exception.
    const PYTHON: &str = "\nthread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:
Python function threw an unexpected exception
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";

    #[test]
    fn pythons_exception_is_the_last_of_its_traceback() {
        let output = r#"started
Traceback (most recent call last):
  File "/0/app.py", line 16, in handle
    deeper(1)
  File "/0/app.py", line 8, in deeper
  [Previous line repeated 2 more times]
  File "/0/app.py", line 7, in deeper
ValueError: amount: must be positive
second line"#;
        reads(
            &format!("{output}{PYTHON}"),
            "ValueError: amount: must be positive\nsecond line",
            &[
                "deeper (/0/app.py:7)",
                "[Previous line repeated 2 more times]",
                "deeper (/0/app.py:8)",
                "handle (/0/app.py:16)",
            ],
        );
        let chained = r#"Traceback (most recent call last):
  File "/0/app.py", line 7, in deeper
ValueError: amount

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/0/app.py", line 23, in handle
app.Oops: chained"#;
        let frames = ["handle (/0/app.py:23)"];
        reads(&format!("{chained}{PYTHON}"), "app.Oops: chained", &frames);
        reads(chained, "app.Oops: chained", &frames);
    }

    #[test]
    fn a_traceback_that_was_printed_before_a_panic_of_another_kind_is_not_the_reason() {
        let output = r#"Traceback (most recent call last):
  File "/0/app.py", line 7, in deeper
ValueError: handled
thread '<unnamed>' (1) panicked at runtime/src/lib.rs:99:1:
out of handles"#;
        let reason = "panicked at runtime/src/lib.rs:99:1: out of handles";
        reads(output, reason, &[]);
    }

    #[test]
    fn starling_monkey_tells_what_was_thrown() {
        let output = "hello
invalid variant tag value `undefined` (received `TypeError: amount: must be `positive``) specified for `Failure`
Stack:
  export_handler_0_1_0$handle@/tmp/70a616f3e0a6/sources/initializer.js:5825:15
  @/app.js:1:2
Redirecting call to abort() to mozalloc_abort";
        reads(
            output,
            "TypeError: amount: must be `positive`",
            &[
                "export_handler_0_1_0$handle (/tmp/70a616f3e0a6/sources/initializer.js:5825:15)",
                "@/app.js:1:2",
            ],
        );
        let output = "Error: boom\nStack:\n  handle@app.js:3:9\nRedirecting call to abort() to mozalloc_abort";
        reads(output, "Error: boom", &["handle (app.js:3:9)"]);
    }

    #[test]
    fn a_handler_that_waits_for_nothing_is_told_as_that() {
        reads(
            "Error while (call) event loop error, but no exception is pending. Aborting, since \
             that doesn't seem recoverable at all.",
            "the handler waits for a promise that nothing settles: its event loop is empty",
            &[],
        );
    }

    #[test]
    fn quickjs_tells_its_exception_in_rusts_notation() {
        let output = r#"thread '<unnamed>' (1) panicked at crates/runtime/src/interpreter.rs:51:31:
Failed to call 'handle': Value(Exception(
Exception { message: Some("no \"name\"\nin \u{202e}it\\"), stack: Some("    at deeper (/bad.js:1:45)\n    at handle (/bad.js:6:21)\n") })
)
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"#;
        let frames = ["deeper (/bad.js:1:45)", "handle (/bad.js:6:21)"];
        reads(output, "no \"name\"\nin \u{202e}it\\", &frames);
        let output = "thread '<unnamed>' (1) panicked at crates/runtime/src/call.rs:283:18:
invalid variant: Error(FromJs { from: \"string\", to: \"variant\", message: None })";
        let reason = "panicked at crates/runtime/src/call.rs:283:18: \
                      invalid variant: Error(FromJs { from: \"string\", to: \"variant\", message: None })";
        reads(output, reason, &[]);
    }

    #[test]
    fn gos_panic_is_its_first_line() {
        let output = "started
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.deeper(...)
	/src/main.go:10
main.(*handler).handle({0x14090, 0x4})
	/src/main.go:14 +0x2
wasmexport_handle(0x1)
	<autogenerated>:1 +0x1";
        reads(
            output,
            "panic: runtime error: index out of range [5] with length 3",
            &[
                "main.deeper (/src/main.go:10)",
                "main.(*handler).handle (/src/main.go:14)",
                "wasmexport_handle (<autogenerated>:1)",
            ],
        );
        reads(
            "panic: first [recovered]\n\tpanic: second\n\ngoroutine 7 [running]:\nmain.f()\n\t/a.go:1 +0x1",
            "panic: first [recovered]\n\tpanic: second",
            &["main.f (/a.go:1)"],
        );
        reads(
            "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select (no cases)]:\nmain.f(...)\n\t/a.go:3",
            "fatal error: all goroutines are asleep - deadlock!",
            &["main.f (/a.go:3)"],
        );
        reads(
            "panic: runtime error: invalid memory address or nil pointer dereference\n\
             [signal 0xb code=0x0 addr=0x0 pc=0x0]\n\ngoroutine 1 [running]:\n\
             main.main()\n\t/src/main.go:27 +0xb",
            "panic: runtime error: invalid memory address or nil pointer dereference",
            &["main.main (/src/main.go:27)"],
        );
        // TinyGo has no frames.
        reads("panic: boom", "panic: boom", &[]);
    }

    #[test]
    fn others_say_it_in_one_line() {
        for line in [
            "Assertion failed: amount > 0 (main.c: handle: 12)",
            "libc++abi: terminating due to uncaught exception of type std::runtime_error: boom",
            "abort: boom in assembly/index.ts(3:5)",
            "thread 1 panic: reached unreachable code",
        ] {
            reads(&format!("started\n{line}"), line, &[]);
        }
        assert_eq!(read(&["nothing of the kind".to_owned()]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn what_was_logged_on_the_way_is_no_report() {
        for logged in [
            "Assertion failed: nothing",
            "panic: no reason to",
            "Traceback (most recent call last):\n  File \"/a.py\", line 1, in f\nValueError: handled",
        ] {
            let output = format!("{logged}\ngoing on\nand on\nand on\nand on");
            let lines: Vec<String> = output.lines().map(str::to_owned).collect();
            assert_eq!(read(&lines), None, "{logged}");
        }
    }

    #[test]
    fn rusts_message_ends_at_the_note() {
        let output = "thread 'main' panicked at src/lib.rs:10:5:\nfirst\nsecond\nnote: run with";
        reads(output, "panicked at src/lib.rs:10:5: first\nsecond", &[]);
    }
}
