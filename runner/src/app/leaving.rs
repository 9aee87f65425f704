//! Workers that end: within a grace period, or whenever their last job is settled.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::worker::Worker;

/// Drain a worker. A new grace period counts from when it is sent.
pub(super) async fn stop_within(mut worker: Worker, mut grace: watch::Receiver<Duration>) {
    loop {
        worker.drain(*grace.borrow_and_update());
        tokio::select! {
            () = worker.stopped() => return,
            Ok(()) = grace.changed() => {}
        }
    }
}

/// Wait until one of these workers has settled its last job. Returns its queue.
pub(super) async fn left(leaving: &mut BTreeMap<String, Worker>) -> String {
    let stopped = leaving.iter_mut().map(|(name, worker)| async move {
        worker.stopped().await;
        name.clone()
    });
    let mut stopped: FuturesUnordered<_> = stopped.collect();
    match stopped.next().await {
        Some(name) => name,
        None => std::future::pending().await,
    }
}
