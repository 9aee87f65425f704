//! Whether a plugin starts: what goes wrong at its start would go wrong for each
//! job.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use wasmtime::{Store, Trap};

use crate::config::JobSettings;
use crate::host::{Grants, Host, State};
use crate::plugin::component::Doors;
use crate::plugin::crew::Crew;
use crate::plugin::refusal::Refusal;
use crate::queue::{Attempt, Job};
use crate::units;

/// How long a component may take to start; a job's own timeout is for its work.
const START: Duration = Duration::from_secs(10);
/// If it takes longer, another plugin is loaded meanwhile.
const QUICK: Duration = Duration::from_millis(50);

/// With how much memory a component that has too little is tried again, to say how
/// much it needs.
const MOST: usize = 1 << 30;
/// What is to be written in queues.toml is a multiple of it.
const STEP: usize = 32 << 20;

/// How a start ended.
enum Start {
    /// It holds so much memory now.
    Done(usize),
    /// It asked for so much, in all, and was refused.
    Short(usize),
    Failed(Refusal),
}

/// Make one instance as a job does, and drop it; the bytes of memory that it had. The
/// types of exports are compared only then.
pub(super) fn run(
    host: &Arc<Host>,
    grants: &Grants,
    doors: &Doors,
    crew: &Arc<Crew>,
) -> Result<usize, Refusal> {
    let attempt = |memory| started(host, grants, doors, crew, memory);
    let allowed = grants
        .plugin
        .memory
        .unwrap_or(JobSettings::default().memory);
    let asked = match attempt(allowed) {
        Start::Done(used) => return Ok(used),
        Start::Failed(refusal) => return Err(refusal),
        Start::Short(asked) => asked,
    };
    let allow = format!(
        "the queues that use it allow {}",
        units::size(allowed as u64)
    );
    Err(Refusal::Start(match attempt(MOST.max(allowed)) {
        // A handler has work to do, too.
        Start::Done(needs) => format!(
            "it needs {} of memory at its start; {allow}: write memory = \"{}\" for them in \
             queues.toml",
            units::rough_size(needs as u64),
            units::size((needs / 4 * 5).next_multiple_of(STEP) as u64),
        ),
        _ => format!(
            "it asks for {} of memory at its start; {allow} (`memory`)",
            units::rough_size(asked as u64)
        ),
    }))
}

fn started(
    host: &Arc<Host>,
    grants: &Grants,
    doors: &Doors,
    crew: &Arc<Crew>,
    memory: usize,
) -> Start {
    let failed = |reason: String| Start::Failed(Refusal::Start(reason));
    let settings = JobSettings {
        memory,
        ..JobSettings::default()
    };
    let attempt = Attempt::trial(Job::default(), "trial", START);
    let mut store = host.store(grants, &Arc::new(attempt), &settings, None);
    // So that the clock is looked at while it spins.
    store.epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(error.to_string()),
    };
    let tried = {
        let mut started = pin!(start(&mut store, doors));
        let quick = runtime.block_on(async { timeout(QUICK, &mut started).await });
        quick.or_else(|_| {
            crew.aside(|| runtime.block_on(async { timeout(START - QUICK, started).await }))
        })
    };
    // A name that is being looked up has a thread of its own; nobody waits for it.
    runtime.shutdown_background();
    let Ok(tried) = tried else {
        return failed(format!("it took more than {} s", START.as_secs()));
    };
    let Err(error) = tried else {
        return Start::Done(store.data().memory().used());
    };
    if let Some(asked) = store.data().memory().refused() {
        return Start::Short(asked);
    }
    // A guest's own code fails with a trap, a type that differs does not.
    let cause = error.root_cause().to_string();
    Start::Failed(match error.is::<Trap>() {
        true => Refusal::Start(trapped(&cause, &store.data().finish_output())),
        false => Refusal::Types(cause),
    })
}

/// A trap in the guest's own words, if it wrote some: the first lines are its error, the
/// others its frames.
fn trapped(trap: &str, output: &[String]) -> String {
    const LINES: usize = 2;
    let trap = trap.trim_start_matches("wasm trap: ");
    match output {
        [] => trap.to_owned(),
        _ => {
            let words: Vec<&str> = output.iter().map(String::as_str).take(LINES).collect();
            format!("{trap}; it wrote {:?}", words.join(" "))
        }
    }
}

async fn start(store: &mut Store<State>, doors: &Doors) -> wasmtime::Result<()> {
    // A granted directory that is not there yet is told to its jobs.
    if store.data_mut().open_directories().await.is_err() {
        return Ok(());
    }
    if let Some(handler) = &doors.handler {
        handler.instantiate_async(&mut *store).await?;
    }
    if let Some(command) = &doors.command {
        command.instantiate_async(&mut *store).await?;
    }
    if let Some(typed) = &doors.typed {
        typed.instantiate_async(&mut *store).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::trapped;

    #[test]
    fn a_start_that_traps_is_told_in_the_words_of_the_guest() {
        let trap = "wasm trap: wasm `unreachable` instruction executed";
        let wrote = ["panicked at src/lib.rs:7:5:", "no table", "note: run with"];
        assert_eq!(
            trapped(trap, &[]),
            "wasm `unreachable` instruction executed"
        );
        assert_eq!(
            trapped(trap, &wrote.map(str::to_owned)),
            "wasm `unreachable` instruction executed; it wrote \"panicked at src/lib.rs:7:5: no \
             table\""
        );
    }
}
