//! Whether a plugin starts: what goes wrong at its start would go wrong for each
//! job.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Store, Trap};

use super::contract::Doors;
use super::engine::TICK;
use super::refusal::{Refusal, in_words};
use crate::config::JobSettings;
use crate::host::{Grants, Host, State};
use crate::queue::{Attempt, Job, Queue};

/// How long a component may take to start; a job's own timeout is for its work.
const START: Duration = Duration::from_secs(10);

/// Make one instance as a job does, and drop it. The types of exports are compared
/// only then.
pub(super) fn run(host: &Arc<Host>, grants: &Grants, doors: &Doors) -> Result<(), Refusal> {
    let settings = JobSettings::default();
    let settings = JobSettings {
        memory: grants.plugin.memory.unwrap_or(settings.memory),
        ..settings
    };
    let queue = Queue::detached("trial");
    let attempt = Attempt::new(Job::default(), queue, String::new(), START);
    // A granted directory that is not there yet is told to its jobs.
    let Ok(mut store) = State::store(host, grants, &Arc::new(attempt), &settings) else {
        return Ok(());
    };
    // Of a guest that never waits; one that waits is stopped by the clock.
    store.epoch_deadline_trap();
    store.set_epoch_deadline((START.as_millis() / TICK.as_millis()) as u64);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::Start(error.to_string()))?;
    let tried =
        runtime.block_on(async { tokio::time::timeout(START, start(&mut store, doors)).await });
    // A name that is being looked up has a thread of its own; nobody waits for it.
    runtime.shutdown_background();
    let Ok(tried) = tried else {
        return Err(late());
    };
    let Err(error) = tried else {
        return Ok(());
    };
    if let Some(asked) = store.data().limits().refused() {
        return Err(Refusal::Start(format!(
            "it asked for {} MiB of memory, and the queues that use it give {} (`memory`)",
            asked.div_ceil(1 << 20),
            in_words(settings.memory as u64)
        )));
    }
    Err(match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => late(),
        // A guest's own code fails with a trap, a type that differs does not.
        Some(_) => Refusal::Start(error.root_cause().to_string()),
        None => Refusal::Types(error.root_cause().to_string()),
    })
}

async fn start(store: &mut Store<State>, doors: &Doors) -> wasmtime::Result<()> {
    if let Some(handler) = &doors.handler {
        handler.instantiate_async(&mut *store).await?;
    }
    if let Some(typed) = &doors.typed {
        typed.instantiate_async(&mut *store).await?;
    }
    Ok(())
}

fn late() -> Refusal {
    Refusal::Start(format!("it took more than {} s", START.as_secs()))
}
