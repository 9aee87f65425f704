//! Outgoing HTTP, to the origins granted to a plugin. The interfaces
//! `runner:plugin/http` and `wasi:http` both end in [`Grant::send`].
//!
//! [`Http`] belongs to the process: the runtime requests are driven on, so that
//! spinning guests cannot delay them, and the outbox if there is one. [`Grant`]
//! belongs to one plugin: its allow-list and its connection pool. Pools are
//! never shared, because a pool knows only scheme and authority: a connection
//! one plugin may use would be handed to another that may not.
//!
//! [`Stores`] are the object stores of a plugin, reached by the same policy and within
//! the same room.
//!
//! Knows its caller by name and limits, never the state of an attempt.
//!
//! Refuses what is not granted ([`policy`]), addresses that are not public
//! ([`address`]), and whatever exceeds the limits below. Reads no proxy from the
//! environment, decodes no content coding, keeps no cookies.

mod address;
mod caller;
mod connect;
mod limit;
mod policy;
mod request;
mod response;
mod room;
mod store_http;
mod stores;
#[cfg(test)]
mod tests;
mod wasi;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use http::{HeaderMap, Method};
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::runtime::Handle;
use url::Url;

use self::connect::Connector;
use self::policy::Policy;
use self::request::Outgoing;
use crate::config::{Plugin, Webhook};
use crate::cost::{self, Kind, Pending};
use crate::outbox::{Exchange, Outbox};
use crate::redact::Redactor;
pub use runner_bindings::runner::plugin::http::{Error, Request, Response};

pub use self::caller::Caller;
pub use self::connect::Resolve;
use self::limit::Limit;
pub use self::room::Held;
pub use self::room::Room;
use self::room::Ticket;
pub use self::stores::{Ask, Asked, Stores, Writing};
pub use self::wasi::Hooks;

/// Time for a request with its redirects, unless the job has less left.
const TIME: Duration = Duration::from_secs(30);
/// Bytes of content, each way.
const BODY: usize = 10 << 20;
/// Header fields, each way.
const FIELDS: usize = 64;
/// Bytes of header fields, each way.
const FIELD_BYTES: usize = 32 << 10;
/// Redirects a request may ask to be followed.
const REDIRECTS: u8 = 5;
/// How long a connection waits for the next request. Most servers close after
/// 60 s; closing first avoids writing into a connection that is just ending.
const IDLE: Duration = Duration::from_secs(30);

/// Outgoing HTTP of the process.
#[derive(Clone)]
pub struct Http {
    io: Handle,
    resolve: Resolve,
    tls: ClientConfig,
    outbox: Option<Arc<Outbox>>,
}

impl Http {
    /// Requests are driven on this runtime, names resolved by the operating
    /// system, servers trusted by the roots of Mozilla.
    pub fn new(io: Handle) -> Self {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions of TLS")
            .with_webpki_roots()
            .with_no_client_auth();
        Http {
            io,
            resolve: connect::system(),
            tls,
            outbox: None,
        }
    }

    /// Where what leaves the process is driven.
    pub(super) fn io(&self) -> &Handle {
        &self.io
    }

    /// Answer granted requests from this outbox instead of the network.
    pub fn with_outbox(self, outbox: Arc<Outbox>) -> Self {
        Http {
            outbox: Some(outbox),
            ..self
        }
    }

    /// Resolve names in another way.
    pub fn with_resolver(self, resolve: Resolve) -> Self {
        Http { resolve, ..self }
    }

    /// What this plugin may send, with a connection pool of its own.
    pub fn grant(&self, plugin: &Plugin) -> Grant {
        let redactor = Redactor::new(plugin);
        self.granted(plugin.name.clone(), Policy::new(plugin), redactor)
    }

    /// What a webhook of this queue may send, in the same way.
    pub fn grant_webhook(&self, queue: &str, name: &str, webhook: &Webhook) -> Grant {
        let secrets = webhook.secrets.iter().map(|secret| secret.0.clone());
        let secrets: Vec<_> = secrets.chain(webhook.headers.values().cloned()).collect();
        let redactor = Redactor::default().with(&secrets);
        let policy = Policy::of_webhook(queue, name, webhook);
        self.granted(format!("{queue}/{name}"), policy, redactor)
    }

    fn granted(&self, plugin: String, policy: Policy, redactor: Redactor) -> Grant {
        let policy = Arc::new(policy);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(policy.clone(), self.resolve.clone()));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(32)
            .http1_max_headers(FIELDS)
            .http1_max_buf_size(FIELD_BYTES)
            .build(connector);
        Grant(Arc::new(Inner {
            io: self.io.clone(),
            outbox: self.outbox.clone(),
            plugin,
            policy,
            client,
            redactor: Arc::new(redactor),
        }))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}

/// What one plugin may send. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Grant(Arc<Inner>);

struct Inner {
    io: Handle,
    outbox: Option<Arc<Outbox>>,
    plugin: String,
    policy: Arc<Policy>,
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    redactor: Arc<Redactor>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Grant").field(&self.0.policy).finish()
    }
}

impl Grant {
    /// The secrets that must not leave the plugin.
    pub fn redactor(&self) -> Arc<Redactor> {
        self.0.redactor.clone()
    }

    /// Send a request, follow redirects as asked, and read the response to its
    /// end. Dropping the future closes the connection.
    pub async fn send(&self, caller: &Caller, request: Request) -> Result<Response, Error> {
        let mut outgoing = Outgoing::new(&self.0.policy, caller, request)
            .inspect_err(|e| self.refused(caller, e))?;
        let ticket = caller.room.ticket();
        ticket.begin().await;
        let limit = Limit::new(caller.deadline, outgoing.time);
        let size = outgoing.body.len();
        let most = caller.room.beside(0);
        let held = ticket.hold("the request's content", size, most, &limit);
        outgoing.body = held.await?.around(outgoing.body);
        let (response, _) = self.exchange(caller, outgoing, limit, ticket).await?;
        Ok(response)
    }

    /// Send a request that has been checked, within its time.
    async fn exchange(
        &self,
        caller: &Caller,
        mut outgoing: Outgoing,
        limit: Limit,
        ticket: Ticket,
    ) -> Result<(Response, Held), Error> {
        // A host may be a secret, too.
        let origin = outgoing.url.origin().ascii_serialization();
        let origin = self.0.redactor.redact(origin);
        let mut call = caller.cost.begin(Kind::Http, &origin);
        call.know(|call| {
            call.method = outgoing.method.to_string();
            call.sent = outgoing.body.len() as u64;
        });
        if let Some(trace) = caller.trace {
            outgoing.belong(trace.with_span(call.span()));
        }
        let (inner, caller) = (self.0.clone(), caller.clone());
        let sent = AbortOnDrop(
            self.0
                .io
                .spawn(async move { inner.follow(&caller, outgoing, &limit, &ticket).await }),
        );
        let result = sent.await.unwrap_or_else(|error| {
            Err(Error::Protocol(format!(
                "the request was not finished: {error}"
            )))
        });
        self.record(call, &result);
        result
    }

    /// The event of a request that was not sent at all.
    fn refused(&self, caller: &Caller, error: &Error) {
        let (plugin, error) = (&self.0.plugin, response::label(error));
        tracing::debug!(plugin, error, "http request refused");
        caller.cost.begin(Kind::Http, "").end(error, |_| {});
    }

    /// One event per request, and a line in what the attempt has cost. Never the path,
    /// the query or a header: they hold what people should not read in logs.
    fn record(&self, call: Pending, result: &Result<(Response, Held), Error>) {
        let plugin = &self.0.plugin;
        let (status, bytes, outcome) = match result {
            Ok((response, _)) => (Some(response.status), response.body.len(), cost::DONE),
            Err(error) => (None, 0, response::label(error)),
        };
        call.end(outcome, |call| {
            call.status = status;
            call.received = bytes as u64;
            let (method, origin) = (&call.method, &call.target);
            let ms = call.began.elapsed().as_millis() as u64;
            match status {
                Some(status) => {
                    tracing::debug!(plugin, method, origin, status, ms, bytes, "http request");
                }
                None => {
                    tracing::debug!(plugin, method, origin, error = outcome, ms, "http request");
                }
            }
        });
    }
}

impl Inner {
    /// The request, then as many redirects as it asked for, each checked as if
    /// the plugin had sent it.
    async fn follow(
        &self,
        caller: &Caller,
        mut outgoing: Outgoing,
        limit: &Limit,
        ticket: &Ticket,
    ) -> Result<(Response, Held), Error> {
        for hops in (0..=outgoing.redirects).rev() {
            // The last hop is the end of the content: its room is free for the
            // response.
            let body = match hops {
                0 => std::mem::take(&mut outgoing.body),
                _ => outgoing.body.clone(),
            };
            let (response, held) = self.hop(caller, &outgoing, body, limit, ticket).await?;
            let next = match response::redirect(&response, &outgoing.url) {
                Some(next) if hops > 0 => next?,
                _ => return Ok((response, held)),
            };
            outgoing = self.redirected(outgoing, response.status, next)?;
        }
        unreachable!("the last hop returns its response")
    }

    async fn hop(
        &self,
        caller: &Caller,
        outgoing: &Outgoing,
        body: Bytes,
        limit: &Limit,
        ticket: &Ticket,
    ) -> Result<(Response, Held), Error> {
        let url = &outgoing.url;
        // What is kept for a redirect.
        let beside = outgoing.body.len();
        let time = outgoing.head_time.unwrap_or(TIME);
        let late = |_| limit::late(&url.origin(), time, "the timeout of the request");
        if let Some(outbox) = &self.outbox {
            let exchange = Exchange {
                plugin: &self.plugin,
                queue: &caller.queue,
                job: &caller.job,
                method: &outgoing.method,
                url,
                headers: &outgoing.headers,
                body: &body,
                redactor: &self.redactor,
            };
            let answer = tokio::time::timeout(time, outbox.answer(exchange));
            let answer = limit.keep(url, answer).await?.map_err(late)?;
            drop(body);
            let response = response::answered(url, answer)?;
            let size = response.body.len();
            let most = caller.room.beside(beside);
            let held = ticket.hold("the reply of the outbox", size, most, limit);
            return Ok((response, held.await?));
        }
        let sent = self.client.request(outgoing.to_hyper(body)?);
        let response = limit
            .keep(url, tokio::time::timeout(time, sent))
            .await?
            .map_err(late)?
            .map_err(|error| response::client_error(url, &error))?;
        response::read(url, response, (ticket, beside), limit).await
    }

    /// The request a redirect leads to (RFC 9110, section 15.4).
    fn redirected(
        &self,
        mut outgoing: Outgoing,
        status: u16,
        next: Url,
    ) -> Result<Outgoing, Error> {
        let from = outgoing.url.origin();
        outgoing.url = self
            .policy
            .check(next)
            .map_err(|error| response::redirect_error(&from, error))?;
        let becomes_get = match status {
            303 => outgoing.method != Method::HEAD,
            301 | 302 => outgoing.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            outgoing.method = Method::GET;
            outgoing.body = Bytes::new();
            for name in request::CONTENT_FIELDS {
                outgoing.headers.remove(name);
            }
        }
        if outgoing.url.origin() != from {
            self.drop_credentials(&mut outgoing.headers);
        }
        Ok(outgoing)
    }

    /// Drop what another origin must not learn: the fields HTTP knows as
    /// credentials, and any that carries a secret of the plugin.
    fn drop_credentials(&self, headers: &mut HeaderMap) {
        let secret = |value: &[u8]| self.redactor.finds(&String::from_utf8_lossy(value));
        let drop: Vec<HeaderName> = headers
            .iter()
            .filter(|(name, value)| {
                matches!(**name, AUTHORIZATION | COOKIE) || secret(value.as_bytes())
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in drop {
            headers.remove(name);
        }
    }
}

/// A task that ends with the future that waits for it, so that a guest that is
/// stopped leaves no request behind.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx)
    }
}
