//! A command's stdin: the payload or a text made of it, then the end of the file. It
//! is read where it is; what nobody reads costs nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use wasmtime_wasi::cli::{IsTerminal, StdinStream};
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError, StreamResult};

use crate::queue::Attempt;

/// Bytes of one read.
const CHUNK: usize = 64 << 10;

/// What a command reads, and how far it was read. Cheap to clone.
#[derive(Clone)]
pub(in crate::host) struct Input {
    attempt: Arc<Attempt>,
    /// In place of the payload.
    text: Option<Arc<str>>,
    read: Arc<AtomicUsize>,
}

impl Input {
    /// The payload of this attempt, or this text in its place, from the beginning.
    pub(in crate::host) fn new(attempt: Arc<Attempt>, text: Option<String>) -> Input {
        Input {
            attempt,
            text: text.map(Arc::from),
            read: Arc::default(),
        }
    }

    fn all(&self) -> &[u8] {
        let text = self.text.as_deref();
        text.unwrap_or(&self.attempt.job.data).as_bytes()
    }

    /// The next bytes; none at the end.
    fn next(&self, most: usize) -> &[u8] {
        let data = self.all();
        let most = most.min(CHUNK);
        let from = self.read.fetch_add(most, Ordering::Relaxed).min(data.len());
        let bytes = &data[from..data.len().min(from + most)];
        // It does not run on beyond the end.
        self.read.fetch_min(data.len(), Ordering::Relaxed);
        bytes
    }

    fn is_read(&self) -> bool {
        self.read.load(Ordering::Relaxed) >= self.all().len()
    }
}

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        into.put_slice(self.next(into.remaining()));
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match self.is_read() {
            true => Err(StreamError::Closed),
            false => Ok(Bytes::copy_from_slice(self.next(size))),
        }
    }
}
