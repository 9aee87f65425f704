//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::bodies::{Answer, Timed};
use super::line::Line;
use super::pace::Pace;
use super::socket::Stream;
use super::{Closing, Most, Peer, tls};
use crate::config::Server;

/// What a client gets when all connections have a request.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n";

/// What a connection needs to be served.
pub(super) struct Connection {
    pub(super) app: Router,
    pub(super) peer: Peer,
    pub(super) settings: Arc<Server>,
    pub(super) closing: Closing,
    /// Dropped when it has ended.
    pub(super) alive: mpsc::Sender<()>,
}

/// Send a client away at once.
pub(super) fn refuse(stream: Stream, tls: bool) {
    if tls {
        return;
    }
    // It may read it or not.
    let _ = match stream {
        Stream::Tcp(stream) => stream.try_write(BUSY),
        Stream::Unix(stream) => stream.try_write(BUSY),
    };
}

impl Connection {
    /// Serve until the client goes, takes too long, or is to go.
    pub(super) async fn serve(self, stream: Stream, tls: Option<TlsAcceptor>, pace: Arc<Pace>) {
        match (stream, tls) {
            (Stream::Tcp(mut stream), Some(tls)) => {
                let shake = async {
                    let mut first = [0];
                    if stream.peek(&mut first).await? == 1 && first != [tls::HANDSHAKE] {
                        stream.write_all(tls::PLAIN).await?;
                        return Err(std::io::ErrorKind::InvalidData.into());
                    }
                    tls.accept(stream).await
                };
                let shaken = tokio::time::timeout(self.settings.header_timeout, shake).await;
                if let Ok(Ok(stream)) = shaken {
                    self.speak(stream, pace).await;
                }
            }
            (Stream::Tcp(stream), None) => self.speak(stream, pace).await,
            (Stream::Unix(stream), _) => self.speak(stream, pace).await,
        }
    }

    async fn speak<S>(self, stream: S, pace: Arc<Pace>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Connection {
            app,
            peer,
            settings,
            mut closing,
            alive: _alive,
        } = self;
        let answered = Answers {
            app,
            peer,
            settings: settings.clone(),
            pace: pace.clone(),
            closing: closing.clone(),
        };
        let answer = service_fn(move |request| answered.to(request));
        let stream = TokioIo::new(Line::new(stream, pace.clone()));
        // Of the time that a client takes, more is known here than there.
        let mut http = http1::Builder::new();
        let http = http.header_read_timeout(None);
        let mut speech = pin!(http.serve_connection(stream, answer));
        let mut closed = pin!(async move {
            let closed = closing.wait_for(Option::is_some).await;
            closed.ok().and_then(|until| *until)
        });
        let mut cut: Option<Instant> = None;
        let mut is_closing = false;
        let mut alarm = pin!(tokio::time::sleep(settings.header_timeout));
        std::future::poll_fn(|cx| {
            if speech.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if !is_closing && let Poll::Ready(until) = closed.as_mut().poll(cx) {
                is_closing = true;
                cut = Some(until.unwrap_or_else(Instant::now));
                speech.as_mut().graceful_shutdown();
                if pace.is_silent() || speech.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
            }
            late(cx, alarm.as_mut(), || {
                let deadline = pace.deadline(&settings);
                [deadline, cut].into_iter().flatten().min()
            })
        })
        .await;
    }
}

/// Whether the deadline has passed, as it is now.
fn late(
    cx: &mut Context<'_>,
    mut alarm: Pin<&mut Sleep>,
    deadline: impl Fn() -> Option<Instant>,
) -> Poll<()> {
    while let Some(deadline) = deadline() {
        // A later one is seen when the alarm goes off.
        if deadline < alarm.deadline() || alarm.is_elapsed() {
            alarm.as_mut().reset(deadline);
        }
        if alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
    }
    Poll::Pending
}

/// Hands requests to the application.
struct Answers {
    app: Router,
    peer: Peer,
    settings: Arc<Server>,
    pace: Arc<Pace>,
    closing: Closing,
}

impl Answers {
    fn to(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Answer>, Infallible>> + Send + use<> {
        self.pace.busy();
        let allowed = self.settings.body_timeout;
        let mut request = request.map(|body| Timed::of(body, allowed));
        request.extensions_mut().insert(self.peer);
        let most = Most(self.settings.max_body as u64);
        request.extensions_mut().insert(most);
        DefaultBodyLimit::max(self.settings.max_body).apply(&mut request);
        let answered = self.app.clone().call(request);
        let (pace, closing) = (self.pace.clone(), self.closing.clone());
        async move { Ok(Answer::of(answered.await?, pace, &closing)) }
    }
}
