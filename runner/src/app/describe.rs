//! Tells what this process is, for those who list the runners: its version, and the
//! queues it consumes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use crate::config::Config;
use crate::queue::{About, Renewal};

/// Tell it now and whenever it changes. Never ends while the application runs.
pub(super) async fn keep(
    renewal: Renewal,
    mut config: watch::Receiver<Arc<Config>>,
    mut consumed: watch::Receiver<BTreeSet<String>>,
) {
    #[expect(clippy::disallowed_methods, reason = "only shown")]
    let started = jiff::Timestamp::now().as_millisecond();
    let mut about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: u64::try_from(started).unwrap_or_default(),
        queues: BTreeMap::new(),
    };
    loop {
        let now = config.borrow_and_update().clone();
        let slots = |name: &String| {
            let queue = now.queues.get(name)?;
            Some((name.clone(), queue.concurrency.get() as u64))
        };
        let names = consumed.borrow_and_update().clone();
        about.queues = names.iter().filter_map(slots).collect();
        renewal.describe(&about);
        tokio::select! {
            Ok(()) = config.changed() => {}
            Ok(()) = consumed.changed() => {}
            else => return,
        }
    }
}
