//! The process that compiles one component and ends.

#![expect(
    clippy::disallowed_methods,
    reason = "these are pipes to the parent, which escapes what it shows"
)]

use std::io::{Read, Write};
use std::time::Duration;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getrlimit, kill_process,
    set_parent_process_death_signal, setrlimit,
};

use super::{Form, adapt, debug, word};
use crate::contract::Opened;
use crate::plugin::component::bounds::{self, Fault};
use crate::plugin::engine;
use runner_bindings::HANDLER;

/// What to do, and with how much.
#[derive(Debug, clap::Args)]
pub struct Orders {
    /// Bytes of the component on standard input. One more byte follows when it is
    /// to be compiled: its form.
    #[arg(long)]
    pub(super) size: usize,
    /// Of the engine that will run it.
    #[arg(long)]
    pub(super) fingerprint: String,
    /// Seconds.
    #[arg(long)]
    pub(super) timeout: u64,
    /// Bytes.
    #[arg(long)]
    pub(super) memory: u64,
}

impl Orders {
    pub(super) fn arguments(&self) -> [String; 4] {
        [
            format!("--size={}", self.size),
            format!("--fingerprint={}", self.fingerprint),
            format!("--timeout={}", self.timeout),
            format!("--memory={}", self.memory),
        ]
    }

    /// Validate and compile; the artifact goes to standard output. Whether it did.
    pub fn run(&self) -> bool {
        self.compile().inspect_err(|said| say(said)).is_ok()
    }

    /// The error is what to say.
    fn compile(&self) -> Result<(), String> {
        self.limit()
            .map_err(|error| format!("the limits: {error}"))?;
        let mut input = std::io::stdin().lock();
        let mut bytes = vec![0; self.size];
        let read = |error: std::io::Error| format!("the component: {error}");
        input.read_exact(&mut bytes).map_err(read)?;
        let functions = bounds::check(&bytes).map_err(refused)?;
        say(word::VALID);
        // While the parent looks at imports and exports.
        bounds::check_functions(&functions).map_err(refused)?;
        drop(functions);
        let mut form = [0];
        if input.read(&mut form).map_err(read)? == 0 {
            return Ok(());
        }
        debug::bound(&mut bytes);
        let formed = match Form::of(form[0]) {
            Form::AsItIs => Ok(bytes),
            Form::WithDoor => Opened::read(&bytes).with_door(&bytes, HANDLER),
            Form::Adapted => adapt::command(&bytes),
        };
        let bytes = formed.map_err(|error| invalid(&format!("{error:#}")))?;
        let engine = engine::compiler(&self.fingerprint)
            .ok_or("it is not of the build of the runner that started it")?;
        let code = engine
            .precompile_component(&bytes)
            .map_err(|error| invalid(&format!("{error:#}")))?;
        std::io::stdout()
            .write_all(&code)
            .map_err(|error| format!("{}{error}", word::UNWRITTEN))
    }

    fn limit(&self) -> std::io::Result<()> {
        // A parent that ended before this closed standard input.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let timeout = Duration::from_secs(self.timeout);
        std::thread::Builder::new().spawn(move || {
            #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
            std::thread::sleep(timeout);
            say(word::TIME);
            end(getpid());
        })?;
        let most = |resource, limit: u64, hard: u64| {
            // What this process itself may have is less at times, and not to be raised.
            let own = getrlimit(resource).maximum.unwrap_or(u64::MAX);
            setrlimit(
                resource,
                Rlimit {
                    current: Some(limit.min(own)),
                    maximum: Some(hard.min(own)),
                },
            )
        };
        // Address space is what can be limited; the allocator has set some aside.
        let memory = address_space().saturating_add(self.memory);
        most(Resource::As, memory, memory)?;
        most(Resource::Core, 0, 0)?;
        // All cores for the whole time; a second later it is killed without a word.
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let seconds = self.timeout.saturating_mul(cores);
        most(Resource::Cpu, seconds, seconds.saturating_add(1))?;
        // When the machine is short of memory this goes before what serves queues.
        // Where it cannot be said, the system chooses.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
        Ok(())
    }
}

/// Tell the parent, which knows the words.
fn say(line: &str) {
    // It has ended, then; so does this process.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Bytes of address space the process has.
fn address_space() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').next().and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0u64) * rustix::param::page_size() as u64
}

fn end(own: Pid) {
    // It cannot be refused to oneself.
    let _ = kill_process(own, Signal::KILL);
}

fn refused(fault: Fault) -> String {
    match fault {
        Fault::Invalid(reason) => format!("{}{reason}", word::INVALID),
        Fault::Bound { what, max } => format!("{}{max} {what}", word::BOUND),
    }
}

/// What the compiler says, on one line.
fn invalid(reason: &str) -> String {
    format!("{}{}", word::INVALID, reason.replace('\n', " "))
}
