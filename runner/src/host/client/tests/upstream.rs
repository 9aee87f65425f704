//! A server that answers byte for byte as it is told, and remembers what it was
//! asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What it does with a request.
#[derive(Clone)]
pub(super) enum Does {
    /// Writes these bytes and keeps the connection.
    Writes(Vec<u8>),
    /// Writes these bytes and closes.
    Closes(Vec<u8>),
    /// Writes these bytes and never anything again.
    Hangs(Vec<u8>),
    /// Writes the first bytes, then the others again and again.
    Repeats(Vec<u8>, Vec<u8>),
    /// Writes the first bytes, then one byte every 20 ms.
    Drips(Vec<u8>),
}

/// A response with this status line, these header lines and this content.
pub(super) fn answer(status: &str, headers: &[&str], body: &str) -> Does {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    Does::Writes(format!("{text}\r\n{body}").into_bytes())
}

/// The running server; it ends with the test's runtime.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    closed: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Upstream {
    /// A server on a free port of 127.0.0.1 that asks `script` about each path.
    pub(super) async fn start(script: impl Fn(&str) -> Does + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", script).await
    }

    /// A server at this address.
    pub(super) async fn start_at(
        address: &str,
        script: impl Fn(&str) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let script = Arc::new(script);
        let kept = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                kept.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, script) = (kept.clone(), script.clone());
                tokio::spawn(async move {
                    serve(stream, &seen, &*script).await;
                    seen.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Upstream { address, seen }
    }

    /// Answers every path with `200 ok`.
    pub(super) async fn ok() -> Self {
        Self::start(|_| answer("200 OK", &[], "ok")).await
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Wait until so many connections have ended.
    pub(super) async fn closed(&self, count: usize) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
        while self.seen.closed.load(Ordering::SeqCst) < count {
            assert!(
                tokio::time::Instant::now() < deadline,
                "the connection stays open"
            );
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// The requests so far: head and content as they came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Seen,
    script: &(dyn Fn(&str) -> Does + Send + Sync),
) {
    while let Some(request) = request(&mut stream).await {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        seen.requests.lock().unwrap().push(request);
        let (first, then) = match script(&path) {
            Does::Writes(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                continue;
            }
            Does::Closes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Does::Hangs(bytes) => (bytes, None),
            Does::Repeats(bytes, again) => (bytes, Some((again, false))),
            Does::Drips(bytes) => (bytes, Some((b"x".to_vec(), true))),
        };
        let _ = stream.write_all(&first).await;
        let mut end = [0];
        match then {
            None => {
                let _ = stream.read(&mut end).await;
            }
            Some((bytes, slowly)) => {
                while stream.write_all(&bytes).await.is_ok() {
                    if slowly {
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                }
            }
        }
        return;
    }
}

/// Read one request; `None` when the client has closed.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |value| value.parse().unwrap());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
