//! A guest's stdout and stderr: whole lines go to the job's log, and the end of
//! stderr is kept, because a panic tells its reason there. Some lines of a command
//! are its progress instead: `::progress 40 page 2`.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::{Log, Reports};
use runner_bindings::runner::plugin::log::Level;

/// Bytes a line is collected to before it is cut in two.
const LINE: usize = 8 << 10;
/// Lines of stderr kept for the reason of a failure: the reports of Python and Go
/// have two for each of up to 100 frames.
const LAST: usize = 256;
/// Bytes of them.
const LAST_BYTES: usize = 64 << 10;

/// One of the two streams. Cheap to clone.
#[derive(Clone)]
pub(in crate::host) struct Lines(Arc<Mutex<Buffer>>);

struct Buffer {
    log: Log,
    level: Level,
    /// Where progress goes that is told in lines.
    progress: Option<Reports>,
    partial: Vec<u8>,
    last: VecDeque<String>,
    last_bytes: usize,
}

impl Lines {
    /// A stream whose lines are logged at this level.
    pub(in crate::host) fn new(log: Log, level: Level) -> Lines {
        Lines::with(log, level, None)
    }

    /// The stderr of a command, which is its log and tells its progress.
    pub(in crate::host) fn of_command(reports: Reports) -> Lines {
        Lines::with(reports.log.clone(), Level::Info, Some(reports))
    }

    fn with(log: Log, level: Level, progress: Option<Reports>) -> Lines {
        Lines(Arc::new(Mutex::new(Buffer {
            log,
            level,
            progress,
            partial: Vec::new(),
            last: VecDeque::new(),
            last_bytes: 0,
        })))
    }

    /// Log what has no line end yet, and give the last lines.
    pub(in crate::host) fn finish(&self) -> Vec<String> {
        let mut buffer = self.0.lock().expect("no panic while a line is logged");
        if !buffer.partial.is_empty() {
            buffer.line();
        }
        buffer.last.drain(..).collect()
    }

    /// Be in the place of these lines, which are those of another job: a stream that the
    /// guest has of this one writes to that job's log from now on.
    pub(in crate::host) fn become_those(&self, other: &Lines) {
        let mut own = self.0.lock().expect("no panic while a line is logged");
        let mut other = other.0.lock().expect("no panic while a line is logged");
        std::mem::swap(&mut *own, &mut *other);
    }

    /// How many streams the guest has of this. Two clones are the host's: those of the
    /// state and of WASI.
    pub(in crate::host) fn streams(&self) -> usize {
        Arc::strong_count(&self.0) - 2
    }

    fn feed(&self, bytes: &[u8]) {
        let mut buffer = self.0.lock().expect("no panic while a line is logged");
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.split_last() {
                Some((b'\n', text)) => {
                    buffer.partial.extend_from_slice(text);
                    buffer.line();
                }
                _ => buffer.partial.extend_from_slice(piece),
            }
            if buffer.partial.len() >= LINE {
                buffer.line();
            }
        }
    }
}

impl Buffer {
    fn line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned();
        if line.trim().is_empty() {
            return;
        }
        if let Some(progress) = &self.progress
            && let Some((percent, message)) = reported(&line)
        {
            progress.set(percent, message);
            return;
        }
        self.log.write(self.level, &line, &[]);
        self.last_bytes += line.len();
        self.last.push_back(line);
        while self.last.len() > LAST || self.last_bytes > LAST_BYTES {
            let first = self.last.pop_front().unwrap_or_default();
            self.last_bytes -= first.len();
        }
    }
}

/// `::progress 40`, `::progress 40.5% page 2`: how much is done, and a message.
fn reported(line: &str) -> Option<(f64, Option<&str>)> {
    let rest = line.strip_prefix("::progress ")?.trim();
    let (percent, message) = match rest.split_once(char::is_whitespace) {
        Some((percent, message)) => (percent, Some(message.trim_start())),
        None => (rest, None),
    };
    let percent = percent.strip_suffix('%').unwrap_or(percent);
    let percent: f64 = percent.parse().ok()?;
    percent.is_finite().then_some((percent, message))
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.feed(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.feed(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::reported;

    #[test]
    fn progress_is_a_number_and_a_message() {
        for (line, progress) in [
            ("::progress 40", Some((40.0, None))),
            ("::progress 40 page 2", Some((40.0, Some("page 2")))),
            ("::progress  12.5%  page  2 ", Some((12.5, Some("page  2")))),
            ("::progress -1", Some((-1.0, None))),
            ("::progress", None),
            ("::progress page 2", None),
            ("::progress NaN", None),
            (" ::progress 40", None),
            ("::progression 40", None),
        ] {
            assert_eq!(reported(line), progress, "{line}");
        }
    }
}
