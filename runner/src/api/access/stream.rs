//! An answer that goes on, such as a stream of events, ends when its caller may no longer
//! have it: a removed token or a session that is ended stops working at once, wherever it is
//! in use.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use futures::StreamExt;
use tokio::sync::watch;

use super::{Caller, Gate, session};
use crate::config::Config;

/// The same answer, while the caller is what it was.
pub(in crate::api) fn while_allowed(gate: &Gate, caller: Caller, response: Response) -> Response {
    // What has a length has been made already.
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let (configs, redis) = (gate.configs.clone(), gate.redis.clone());
    let logouts = gate.logouts.subscribe();
    response.map(|body| {
        let end = async move {
            let session = async {
                match caller.session() {
                    Some(hash) => session::ended(redis, logouts, hash).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = until_refused(configs, &caller) => {}
                () = session => {}
            }
        };
        Body::from_stream(body.into_data_stream().take_until(Box::pin(end)))
    })
}

async fn until_refused(mut configs: watch::Receiver<Arc<Config>>, caller: &Caller) {
    let expired = async {
        match caller.ends() {
            Some(end) => {
                let left = end.duration_since(super::now());
                tokio::time::sleep(left.unwrap_or_default()).await;
            }
            None => std::future::pending().await,
        }
    };
    let removed = async {
        loop {
            let config = configs.borrow_and_update().clone();
            let server = config.server.as_ref();
            if server.is_some_and(|server| !caller.is_still(&server.access)) {
                return;
            }
            if configs.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = expired => {}
        () = removed => {}
    }
}
