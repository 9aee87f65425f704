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
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::runtime::{Handle, Runtime};
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
    /// The thread on which jobs of plugins with large instances begin. `None` only
    /// while it is dropped.
    large: Option<Runtime>,
}

/// Turns that such a job has there, of an epoch each: most are done by then. What runs
/// for longer takes its turns with the others.
const TURNS: usize = 2;
/// How long the end waits for guests to stop and for what they hold, such as scratch
/// directories, to be put away.
const PUT_AWAY: Duration = Duration::from_secs(1);

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
        let large = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("runner-large")
            .build()?;
        Ok(Executor {
            host,
            plugins,
            guests: Some(guests),
            large: Some(large),
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
        done: impl FnOnce(Arc<Attempt>, &JobSettings, Outcome) + Send + 'static,
    ) {
        let host = self.host.clone();
        let plugin = settings
            .plugin
            .as_deref()
            .and_then(|name| self.plugins.get(name));
        let first = First::of(plugin.as_deref(), &settings);
        let paced = plugin.clone();
        let cost = attempt.cost.clone();
        let mut run = Box::pin(async move {
            let run = AssertUnwindSafe(run(&host, plugin, &attempt, &settings));
            let outcome = run.catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|panic| bug::outcome(&bug::told(&*panic)));
            attempt.cost.end();
            done(attempt, &settings, outcome);
        });
        let turns = future::poll_fn(move |context| match &paced {
            Some(plugin) => plugin.pace.turn(&cost, || run.as_mut().poll(context)),
            None => run.as_mut().poll(context),
        });
        self.begin(first, turns);
    }

    fn begin(&self, first: First, turns: impl Future<Output = ()> + Send + Unpin + 'static) {
        let lives = "the runtimes live as long as the executor";
        let guests = self.guests.as_ref().expect(lives).handle().clone();
        match first {
            First::Here => have(1, turns, &guests),
            First::Large => {
                let thread = self.large.as_ref().expect(lives);
                thread.spawn(async move { have(TURNS, turns, &guests) });
            }
            First::Guests => {
                guests.spawn(turns);
            }
        }
    }
}

/// Where a job has its first turns.
enum First {
    /// On the thread that took it.
    Here,
    /// On the thread of large instances.
    Large,
    /// On a guest thread.
    Guests,
}

impl First {
    fn of(plugin: Option<&Plugin>, settings: &JobSettings) -> First {
        match plugin {
            Some(plugin) if plugin.pace.is_quick() => First::Here,
            // A kept instance is neither made nor dropped.
            Some(plugin) if plugin.is_large() && settings.reuse == 1 => First::Large,
            _ => First::Guests,
        }
    }
}

/// Have this many turns on this thread, and the others on those of the guests.
fn have(
    most: usize,
    mut turns: impl Future<Output = ()> + Send + Unpin + 'static,
    guests: &Handle,
) {
    // Its timers belong to the guests' runtime.
    let _guests = guests.enter();
    if !(0..most).any(|_| (&mut turns).now_or_never().is_some()) {
        guests.spawn(turns);
    }
}

impl Drop for Executor {
    /// Guests that still run are stopped at their next epoch.
    fn drop(&mut self) {
        let both = [self.guests.take(), self.large.take()];
        for threads in both.into_iter().flatten() {
            // On a thread of its own: one that runs futures may not wait.
            let end = move || threads.shutdown_timeout(PUT_AWAY);
            let _ = std::thread::spawn(end).join();
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
    attempt.cost.had(store.data().memory().used());
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
