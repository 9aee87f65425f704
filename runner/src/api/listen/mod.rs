//! From connections to requests.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

use super::Stage;
use crate::config::Listen;

/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);

/// The socket of a server, before its runtime runs.
pub(super) enum Bound {
    Tcp(std::net::TcpListener),
    Unix(StdUnixListener, Listen),
}

/// Where a request comes from; in the extensions of each.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    Tcp(SocketAddr),
    /// A process of this machine.
    Unix,
}

impl Bound {
    /// Take the address.
    pub(super) fn to(listen: &Listen) -> io::Result<Bound> {
        match listen {
            Listen::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Bound::Tcp(listener))
            }
            Listen::Unix(path) => {
                let listener = StdUnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                Ok(Bound::Unix(listener, listen.clone()))
            }
        }
    }

    /// The address, with the port that the system chose.
    pub(super) fn address(&self) -> io::Result<Listen> {
        match self {
            Bound::Tcp(listener) => listener.local_addr().map(Listen::Tcp),
            Bound::Unix(_, listen) => Ok(listen.clone()),
        }
    }

    /// Serve until told to stop.
    pub(super) async fn serve(self, app: Router, stage: watch::Receiver<Stage>) -> io::Result<()> {
        match self {
            Bound::Tcp(listener) => {
                let listener = TcpListener::from_std(listener)?;
                let accept = async || {
                    let (stream, from) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    Ok((stream, Peer::Tcp(from)))
                };
                serve(accept, app, stage).await
            }
            Bound::Unix(listener, _) => {
                let listener = UnixListener::from_std(listener)?;
                let accept = async || Ok((listener.accept().await?.0, Peer::Unix));
                serve(accept, app, stage).await
            }
        }
    }
}

async fn serve<S>(
    accept: impl AsyncFn() -> io::Result<(S, Peer)>,
    app: Router,
    mut stage: watch::Receiver<Stage>,
) -> io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let graceful = GracefulShutdown::new();
    let grace = loop {
        let (stream, from) = tokio::select! {
            accepted = accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "a connection was not taken");
                    continue;
                }
            },
            stage = stage.wait_for(|stage| matches!(stage, Stage::Stop(_))) => match stage.as_deref() {
                Ok(Stage::Stop(grace)) => break *grace,
                _ => break Duration::ZERO,
            },
        };
        let app = app.clone().layer(axum::Extension(from));
        let service = TowerToHyperService::new(app);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection has ended");
            }
        });
    };
    // Who is not done by then is cut off.
    let _ = tokio::time::timeout(grace, graceful.shutdown()).await;
    Ok(())
}
