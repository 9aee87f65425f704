//! The instance of an attempt: a fresh one, or one that has served a job of the queue
//! before, where the settings allow that (`reuse`); and what becomes of it.

use std::sync::Arc;

use wasmtime::Store;

use super::call::Call;
use crate::config::JobSettings;
use crate::host::{Host, State};
use crate::outcome::{Cause, Outcome};
use crate::plugin::{Entry, Instance, Plugin};
use crate::queue::Attempt;

/// An instance, or the store in which it will be made.
pub(super) struct Served {
    pub(super) store: Store<State>,
    /// The way into the instance, once there is one.
    pub(super) entry: Option<Entry>,
    /// How many jobs it has served before.
    before: u32,
}

impl Served {
    /// Something to run this attempt in.
    pub(super) fn get(
        host: &Host,
        plugin: &Plugin,
        attempt: &Arc<Attempt>,
        settings: &JobSettings,
        call: &Call<'_>,
    ) -> Served {
        let program = call.program();
        let kept = match program {
            // A program is run once.
            Some(_) => None,
            None => {
                let queue = attempt.queue_name();
                plugin.kept.take(queue, settings, call.is_typed())
            }
        };
        let Some(mut kept) = kept else {
            return Served {
                store: host.store(&plugin.grants, attempt, settings, program),
                entry: None,
                before: 0,
            };
        };
        host.renew(&mut kept.store, &plugin.grants, attempt, settings);
        Served {
            store: kept.store,
            entry: Some(kept.entry),
            before: kept.served,
        }
    }

    /// The attempt has ended like this: keep the instance for another one, or drop it.
    pub(super) fn end(
        mut self,
        plugin: &Arc<Plugin>,
        attempt: &Attempt,
        settings: &JobSettings,
        outcome: &Outcome,
    ) {
        let served = self.before + 1;
        if settings.reuse <= served || !returned(outcome) || attempt.stopped().is_some() {
            return;
        }
        if let Err(why) = self.store.data_mut().is_reusable() {
            let queue = attempt.queue_name();
            tracing::debug!(queue, plugin = %plugin.version, why, "instance not kept");
            return;
        }
        let Some(entry) = self.entry else {
            return;
        };
        let instance = Instance {
            store: self.store,
            entry,
            served,
        };
        // One that has grown too much for a job like this serves none.
        if !instance.serves(settings) {
            return;
        }
        if plugin
            .kept
            .put(attempt.queue_name(), settings.reuse_idle, instance)
        {
            look_after(plugin);
        }
    }
}

/// Whether the guest came to an end of its own will: a result, or a failure that it
/// returned. After anything else nobody knows what it left unfinished.
fn returned(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Completed(_)
        | Outcome::Snoozed { .. }
        | Outcome::WaitingChildren
        | Outcome::RateLimited { .. } => true,
        Outcome::Retry { failure, .. } | Outcome::Rejected(failure) => {
            failure.cause == Cause::Returned
        }
        Outcome::Moved(_) | Outcome::Released | Outcome::Lost => false,
    }
}

/// Drop the kept instances of this version when their time has come. Ends when none are
/// left.
fn look_after(plugin: &Arc<Plugin>) {
    let weak = Arc::downgrade(plugin);
    tokio::spawn(async move {
        while let Some(next) = weak.upgrade().and_then(|plugin| plugin.kept.sweep()) {
            tokio::time::sleep_until(next.into()).await;
        }
    });
}
