//! The object stores of one plugin, and calls to them: in their turn among the requests
//! of the attempt, within its room and time, recorded in what the attempt has cost.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use runner_blobs::{Error, Store, Upload};
use tokio::runtime::Handle;

use super::connect::Connector;
use super::limit::Limit;
use super::policy::Policy;
use super::room::{Held, Ticket};
use super::store_http::StoreHttp;
use super::{AbortOnDrop, Caller, Http, IDLE};
use crate::config::{Plugin, nearest};
use crate::cost::{self, Kind};
use crate::redact::Redactor;

/// How long a store may take to forget an upload that was given up.
const FORGET: Duration = Duration::from_secs(10);

/// The stores that one plugin is granted.
pub struct Stores {
    io: Handle,
    plugin: String,
    stores: BTreeMap<String, Granted>,
    redactor: Redactor,
}

struct Granted {
    /// What is wrong with its keys otherwise.
    store: Result<Store, Error>,
    timeout: Duration,
}

/// What is asked of a store.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// In a word: `get`.
    pub verb: &'static str,
    /// The store, as the guest calls it.
    pub store: &'a str,
    /// The key, or the beginning of one.
    pub key: &'a str,
    /// Bytes that the guest hands over.
    pub sent: usize,
}

/// A call in its turn.
#[derive(Debug)]
pub struct Asked {
    /// The key, or the beginning of one.
    pub key: String,
    ticket: Ticket,
    limit: Limit,
}

/// An upload that tells its store when it is given up.
#[derive(Debug)]
pub struct Writing {
    upload: Option<Upload>,
    io: Handle,
}

impl Http {
    /// The stores this plugin is granted, with connections of its own.
    pub fn stores(&self, plugin: &Plugin) -> Stores {
        let policy = Arc::new(Policy::new(plugin));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(policy.clone(), self.resolve.clone()));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(32)
            .build(connector);
        let way = StoreHttp { client, policy };
        let stores = plugin.blobs.iter().map(|(name, granted)| {
            let store = Store::new(name, granted, way.clone());
            let timeout = granted.timeout;
            (name.clone(), Granted { store, timeout })
        });
        Stores {
            io: self.io.clone(),
            plugin: plugin.name.clone(),
            stores: stores.collect(),
            redactor: Redactor::new(plugin),
        }
    }
}

impl Stores {
    /// Do what the guest asks of a store: `work` gets the store and returns how many
    /// bytes came back. Dropping the future ends it.
    ///
    /// # Errors
    /// When the store is not granted, it took too long, or `work` failed.
    pub async fn ask<T, F>(
        &self,
        caller: &Caller,
        ask: Ask<'_>,
        work: impl FnOnce(Store, Asked) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<(T, usize), Error>> + Send + 'static,
    {
        let target = match ask.key {
            "" => ask.store.to_owned(),
            key => format!("{}/{key}", ask.store),
        };
        // A key may be a secret, too.
        let target = self.redactor.redact(target);
        let mut call = caller.cost.begin(Kind::Blobs, &target);
        call.know(|call| {
            call.method = ask.verb.to_owned();
            call.sent = ask.sent as u64;
        });
        let done = self.within(caller, ask, work).await;
        let (outcome, received) = match &done {
            Ok((_, received)) => (cost::DONE, *received),
            Err(error) => (error.label(), 0),
        };
        let (plugin, verb) = (&self.plugin, ask.verb);
        call.end(outcome, |call| {
            call.received = received as u64;
            let ms = call.began.elapsed().as_millis() as u64;
            tracing::debug!(plugin, verb, target, outcome, ms, "object store");
        });
        done.map(|(done, _)| done)
    }

    async fn within<T, F>(
        &self,
        caller: &Caller,
        ask: Ask<'_>,
        work: impl FnOnce(Store, Asked) -> F,
    ) -> Result<(T, usize), Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<(T, usize), Error>> + Send + 'static,
    {
        let granted = self.granted(ask.store)?;
        let store = granted.store.clone()?;
        let ticket = caller.room.ticket();
        ticket.begin().await;
        let limit = Limit::of_store(caller.deadline, granted.timeout);
        let key = ask.key.to_owned();
        let asked = Asked { key, ticket, limit };
        let work = work(store, asked);
        let work = AbortOnDrop(self.io.spawn(work));
        match tokio::time::timeout_at(limit.until.into(), work).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(Error::Unavailable(format!(
                "the call to store {:?} was not finished: {error}",
                ask.store
            ))),
            Err(_) => Err(Error::Timeout(format!(
                "store {:?} did not answer within {}, {}",
                ask.store,
                limit.time(),
                limit.why
            ))),
        }
    }

    fn granted(&self, store: &str) -> Result<&Granted, Error> {
        if let Some(granted) = self.stores.get(store) {
            return Ok(granted);
        }
        let plugin = &self.plugin;
        let names: Vec<String> = self.stores.keys().map(|name| format!("{name:?}")).collect();
        if names.is_empty() {
            return Err(Error::Denied(format!(
                "plugin {plugin:?} is granted no object store: add {store:?} to \
                 [plugins.{plugin}.blobs]"
            )));
        }
        let hint = match nearest(store, self.stores.keys().map(String::as_str)) {
            Some(near) => format!("; did you mean {near:?}?"),
            None => String::new(),
        };
        Err(Error::Denied(format!(
            "store {store:?} is not granted to plugin {plugin:?}: [plugins.{plugin}.blobs] has \
             {}{hint}",
            names.join(", ")
        )))
    }

    /// Take care of an upload.
    pub fn writing(&self, upload: Upload) -> Writing {
        Writing {
            upload: Some(upload),
            io: self.io.clone(),
        }
    }
}

impl Asked {
    /// Wait for room for so many bytes of content.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn hold(&self, what: &str, bytes: usize) -> Result<Held, Error> {
        let most = self.ticket.room().beside(0);
        let held = self.ticket.hold(what, bytes, most, &self.limit).await;
        held.map_err(|error| match error {
            super::Error::TooLarge(text) => Error::TooLarge(text),
            other => Error::Unavailable(super::response::label(&other).to_owned()),
        })
    }
}

impl Writing {
    /// The upload.
    pub fn upload(&mut self) -> &mut Upload {
        self.upload.as_mut().expect("only dropping takes it")
    }

    /// It is written: there is nothing to give up.
    pub fn done(mut self) {
        self.upload = None;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.io.spawn(async move {
                let abort = tokio::time::timeout(FORGET, upload.abort());
                if abort.await.is_err() {
                    tracing::warn!("an object store did not take back the parts of an upload");
                }
            });
        }
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stores").field(&self.stores.keys()).finish()
    }
}
