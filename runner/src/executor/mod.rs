//! One attempt, top to bottom: resolve the plugin, check the payload against the
//! contract, make the instance or take a kept one, call it, classify how it ended.
//!
//! Guests run on threads of their own, so that they cannot delay Redis I/O, lock
//! renewal and HTTP. Only a plugin that is known to be quick has its first turn on
//! the caller's thread; if that is not enough, it goes on with the others. Two
//! things end a guest: the epoch, at which it checks whether it may go on, and a
//! race of the call against the deadline and the stop signal, for a guest that waits
//! in a host call, where no epoch reaches it.
//!
//! It returns an outcome and writes nothing to Redis about the end.

mod call;
mod classify;
mod exit;
mod frames;
mod program;
mod report;
mod reuse;

use std::future::{self, Future};
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use tokio::runtime::Runtime;
use wasmtime::{Store, UpdateDeadline};

use self::classify::Ended;
use self::reuse::Served;
use crate::bug;
use crate::config::JobSettings;
use crate::host::{Host, State};
use crate::outcome::Outcome;
use crate::plugin::{Plugin, Plugins};
use crate::queue::{Attempt, Stop};

/// Runs attempts on the guest threads.
#[derive(Debug)]
pub struct Executor {
    host: Arc<Host>,
    plugins: Arc<Plugins>,
    /// The guest threads. `None` only while it is dropped.
    guests: Option<Runtime>,
}

impl Executor {
    /// An executor with this many guest threads.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(
        host: Arc<Host>,
        plugins: Arc<Plugins>,
        threads: NonZeroUsize,
    ) -> std::io::Result<Executor> {
        let guests = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.get())
            .thread_name("runner-guest")
            // A spinning guest yields once per epoch. Looking for timers and new
            // tasks after every such turn, instead of after 61, keeps deadlines
            // and starts on time.
            .event_interval(1)
            .global_queue_interval(1)
            .enable_all()
            .build()?;
        Ok(Executor {
            host,
            plugins,
            guests: Some(guests),
        })
    }

    /// Start an attempt. `done` is called exactly once, from this thread or a
    /// guest thread, whatever happens in between, a panic of our own code
    /// included; only when the executor is dropped first it is not. The lock then
    /// expires, and the job returns to the queue as stalled.
    pub fn start(
        &self,
        attempt: Arc<Attempt>,
        settings: JobSettings,
        done: impl FnOnce(Arc<Attempt>, Outcome) + Send + 'static,
    ) {
        let host = self.host.clone();
        let plugin = settings
            .plugin
            .as_deref()
            .and_then(|name| self.plugins.get(name));
        let guests = self
            .guests
            .as_ref()
            .expect("the runtime lives as long as the executor");
        let quick = plugin.as_ref().is_some_and(|plugin| plugin.pace.is_quick());
        let paced = plugin.clone();
        let mut run = Box::pin(async move {
            let run = AssertUnwindSafe(run(&host, plugin, &attempt, &settings));
            let outcome = run.catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|panic| bug::outcome(&bug::told(&*panic)));
            done(attempt, outcome);
        });
        let mut turns = future::poll_fn(move |context| match &paced {
            Some(plugin) => plugin.pace.turn(|| run.as_mut().poll(context)),
            None => run.as_mut().poll(context),
        });
        if quick {
            // Its timers belong to the guests' runtime.
            let _guests = guests.enter();
            if (&mut turns).now_or_never().is_some() {
                return;
            }
        }
        guests.spawn(turns);
    }
}

impl Drop for Executor {
    /// Guests that still run are stopped at their next epoch; nobody waits.
    fn drop(&mut self) {
        if let Some(guests) = self.guests.take() {
            guests.shutdown_background();
        }
    }
}

/// All steps of an attempt but the last, which is the worker's: to settle it.
async fn run(
    host: &Arc<Host>,
    plugin: Option<Arc<Plugin>>,
    attempt: &Arc<Attempt>,
    settings: &JobSettings,
) -> Outcome {
    let Some(plugin) = plugin else {
        return unserved(settings);
    };
    let _ = attempt.ran.set(plugin.version.to_string());
    let ready = match call::ready(&plugin, attempt, settings) {
        Ok(ready) => ready,
        Err(outcome) => return outcome,
    };
    let mut served = Served::get(host, &plugin, attempt, settings, &ready);
    let Served { store, entry, .. } = &mut served;
    supervise(store, attempt.clone());
    let ended = tokio::select! {
        biased;
        result = call::make(store, entry, &plugin, ready) => match result {
            Ok(ended) => ended,
            Err(error) => Ended::Error(error),
        },
        why = attempt.stopping() => Ended::Stopped(why),
        () = tokio::time::sleep_until(attempt.deadline().into()) => Ended::Stopped(Stop::Deadline),
    };
    let output = store.data().finish_output();
    store.data_mut().remove_scratch().await;
    let outcome = classify::outcome(ended, attempt, settings, &plugin, store.data(), &output);
    served.end(&plugin, attempt, settings, &outcome);
    outcome
}

/// A queue is held while its plugin does not serve, so this job was taken just
/// before the plugin stopped serving.
fn unserved(settings: &JobSettings) -> Outcome {
    const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);
    let name = settings.plugin.as_deref().unwrap_or_default();
    Outcome::Snoozed {
        delay: AGAIN,
        reason: format!("plugin {name:?} does not serve"),
    }
}

/// At each epoch: end the guest, or let the other guests of the thread have a
/// turn.
fn supervise(store: &mut Store<State>, attempt: Arc<Attempt>) {
    let deadline = attempt.deadline();
    store.epoch_deadline_callback(move |_| {
        if attempt.stopped().is_some() || Instant::now() >= deadline {
            Ok(UpdateDeadline::Interrupt)
        } else {
            Ok(UpdateDeadline::Yield(1))
        }
    });
    store.set_epoch_deadline(1);
}
