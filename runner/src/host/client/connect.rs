//! Opening connections: resolve, check every address, dial a checked one.
//!
//! Ours, because the connector of hyper-util does not ask its resolver about
//! hosts that are addresses. Nothing else opens a connection, so there is no
//! second look-up a rebinding name server could answer differently.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::Error;
use super::policy::Policy;

/// Looks up the addresses of a name.
pub type Resolve = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Time for all connection attempts of one request, without TLS.
const CONNECT: Duration = Duration::from_secs(10);

/// Pause before the next address is tried beside the ones still pending (RFC
/// 8305, "Connection Attempt Delay").
const STAGGER: Duration = Duration::from_millis(250);

/// What the operating system answers.
pub(super) fn system() -> Resolve {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Opens the connections of one plugin's pool.
#[derive(Clone)]
pub(super) struct Connector {
    policy: Arc<Policy>,
    resolve: Resolve,
}

impl Connector {
    pub(super) fn new(policy: Arc<Policy>, resolve: Resolve) -> Self {
        Connector { policy, resolve }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(match uri.scheme_str() {
            Some("https") => 443,
            _ => 80,
        });
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let addresses = match literal {
            // Granted by name in queues.toml, or the request would not be here.
            Ok(address) => vec![address],
            Err(_) => self.look_up(host).await?,
        };
        match tokio::time::timeout(CONNECT, dial(&addresses, port)).await {
            Ok(Ok(stream)) => Ok(TokioIo::new(stream)),
            Ok(Err(error)) => Err(Error::Connect(format!(
                "{host}:{port} cannot be reached: {error}"
            ))),
            Err(_) => Err(Error::Connect(format!(
                "{host}:{port} accepted no connection within {}s",
                CONNECT.as_secs()
            ))),
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let mut addresses = (self.resolve)(name.to_owned())
            .await
            .map_err(|error| Error::Dns(format!("host {name:?} cannot be resolved: {error}")))?;
        addresses.dedup();
        if addresses.is_empty() {
            return Err(Error::Dns(format!("host {name:?} has no address")));
        }
        self.policy.check_addresses(name, &addresses)?;
        Ok(addresses)
    }
}

/// Connect to the first address that answers; the others follow one after the
/// other while it has not.
async fn dial(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut pending = FuturesUnordered::new();
    let mut waiting = addresses.iter();
    let mut last = None;
    loop {
        if let Some(address) = waiting.next() {
            pending.push(TcpStream::connect(SocketAddr::new(*address, port)));
        }
        let stagger = if waiting.len() == 0 { CONNECT } else { STAGGER };
        match tokio::time::timeout(stagger, pending.next()).await {
            Ok(Some(Ok(stream))) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Some(Err(error))) => last = Some(error),
            Ok(None) => return Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into())),
            Err(_) => {}
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
