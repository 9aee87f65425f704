//! A command's stdout, which is its result: kept whole, up to the limit of results.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// A line end after the result is not part of it.
const LINE_END: usize = 2;

/// What a command has written. Cheap to clone.
#[derive(Clone)]
pub(in crate::host) struct Capture(Arc<Mutex<Written>>);

struct Written {
    bytes: Vec<u8>,
    max: usize,
    /// More was written.
    over: bool,
}

impl Capture {
    /// Keep a result of at most `max` bytes.
    pub(in crate::host) fn new(max: usize) -> Capture {
        Capture(Arc::new(Mutex::new(Written {
            bytes: Vec::new(),
            max,
            over: false,
        })))
    }

    /// Whether more was written than is kept.
    pub(in crate::host) fn is_over(&self) -> bool {
        self.written(|written| written.over)
    }

    /// Take what was written.
    pub(in crate::host) fn take(&self) -> Vec<u8> {
        self.written(|written| std::mem::take(&mut written.bytes))
    }

    fn written<T>(&self, of: impl FnOnce(&mut Written) -> T) -> T {
        of(&mut self.0.lock().expect("no panic while output is kept"))
    }

    /// Whether the result is within its limit.
    fn keep(&self, bytes: &[u8]) -> bool {
        self.written(|written| {
            let room = (written.max + LINE_END).saturating_sub(written.bytes.len());
            written.over |= bytes.len() > room;
            if !written.over {
                written.bytes.extend_from_slice(bytes);
            }
            !written.over
        })
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Capture {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(match self.keep(bytes) {
            true => Ok(bytes.len()),
            false => Err(io::ErrorKind::StorageFull.into()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Capture {
    /// A program that writes too much is ended at once: it may do so without end.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self.keep(&bytes) {
            true => Ok(()),
            false => Err(StreamError::Trap(wasmtime::format_err!(
                "the result is too large"
            ))),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}
