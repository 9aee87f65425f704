//! Compiling, in a process of its own.
//!
//! A small component can take the compiler minutes and gigabytes. It takes them
//! from a child with limits, never from the process that serves queues, which only
//! ever maps what comes out. The child is this very binary ([`child`]), without a
//! shell and without the environment, and ends with its parent.
//!
//! For loading, and for the command that is the child. Knows no queue and no plugin's
//! name: bytes go in, code or a refusal comes out.
//!
//! ```text
//! parent ── component ──► child   validates it, counts what is in it
//!        ◄─ valid ───────
//!           reads its interfaces, checks imports and exports
//!        ── its form ─►   puts a door around it or adapts it, compiles
//!        ◄─ artifact ──── on its standard output, a file of the cache or a pipe
//! ```

mod adapt;
mod child;
mod debug;
mod word;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

pub(super) use self::adapt::adapter;
pub use self::child::Orders;
use super::refusal::Refusal;
use crate::units;

/// The subcommand of this binary that compiles.
pub const COMMAND: &str = "compile-plugin";

/// Bytes read of what a child says.
const SAID: u64 = 64 << 10;

/// Words of Rust, of the system and of the compiler's threads for memory that is
/// not to be had.
const SHORT: [&str; 4] = [
    "memory allocation of",
    "Cannot allocate memory",
    "out of memory",
    "ThreadPoolBuildError",
];

/// What bytes are compiled as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A component, as it is.
    AsItIs,
    /// A component with typed functions, with a door around it.
    WithDoor,
    /// A module of WASI preview 1, as a component.
    Adapted,
}

impl Form {
    const ALL: [Form; 3] = [Form::AsItIs, Form::WithDoor, Form::Adapted];

    /// Of its number in what a parent sends.
    fn of(number: u8) -> Form {
        Form::ALL
            .into_iter()
            .find(|form| *form as u8 == number)
            .unwrap_or(Form::AsItIs)
    }
}

/// Why there is no compiled code.
#[derive(Debug)]
pub(super) enum Unmade {
    /// The component is refused.
    Refused(Refusal),
    /// It has no place to go to.
    Unwritten(io::Error),
}

impl From<Refusal> for Unmade {
    fn from(refusal: Refusal) -> Unmade {
        Unmade::Refused(refusal)
    }
}

impl From<io::Error> for Unmade {
    fn from(error: io::Error) -> Unmade {
        Unmade::Unwritten(error)
    }
}

impl From<Unmade> for Refusal {
    fn from(unmade: Unmade) -> Refusal {
        match unmade {
            Unmade::Refused(refusal) => refusal,
            Unmade::Unwritten(error) => {
                Refusal::Compile(format!("compiled code cannot be written: {error}"))
            }
        }
    }
}

/// How components are compiled.
#[derive(Debug, Clone)]
pub(super) struct Compiler {
    /// A `runner` of this build.
    pub(super) program: PathBuf,
    /// Wall-clock time for one component.
    pub(super) timeout: Duration,
    /// Bytes of memory for one component.
    pub(super) memory: u64,
}

/// A component that is valid, in a child that waits for the order to compile it.
/// Dropped: the child is killed.
#[derive(Debug)]
pub(super) struct Valid<'a> {
    compiler: &'a Compiler,
    child: Child,
    said: BufReader<std::io::Take<ChildStderr>>,
}

impl Compiler {
    /// Have a component validated. What is compiled of it goes to `artifact`.
    ///
    /// # Errors
    /// Why it goes no further.
    pub(super) fn validate(
        &self,
        fingerprint: String,
        bytes: &[u8],
        artifact: impl Into<Stdio>,
    ) -> Result<Valid<'_>, Unmade> {
        let orders = Orders {
            size: bytes.len(),
            fingerprint,
            timeout: self.timeout.as_secs(),
            memory: self.memory,
        };
        let mut child = Command::new(&self.program)
            .arg(COMMAND)
            .args(orders.arguments())
            .env_clear()
            // The allocator sets a gigabyte of addresses aside, which would count.
            .env("MIMALLOC_ARENA_RESERVE", "64MiB")
            .stdin(Stdio::piped())
            .stdout(artifact)
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Refusal::Compile(format!("the compiler does not start: {error}")))?;
        let said = child.stderr.take().expect("it is piped").take(SAID);
        let mut valid = Valid {
            compiler: self,
            child,
            said: BufReader::new(said),
        };
        valid.send(bytes);
        let mut line = String::new();
        // What cannot be read was not said.
        let _ = valid.said.read_line(&mut line);
        match line.trim_end() == word::VALID {
            true => Ok(valid),
            false => Err(valid.unmade(line)),
        }
    }
}

impl Valid<'_> {
    /// Compile it in this form. The artifact, when it goes to a pipe.
    ///
    /// # Errors
    /// Why it does not compile.
    pub(super) fn compile(mut self, form: Form) -> Result<Vec<u8>, Unmade> {
        self.send(&[form as u8]);
        let mut artifact = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            // Half of it is the end of the child, told below.
            let _ = pipe.read_to_end(&mut artifact);
        }
        let ended = self.child.wait();
        match ended.is_ok_and(|status| status.success()) {
            true => Ok(artifact),
            false => Err(self.unmade(String::new())),
        }
    }

    /// A child that does not take it has ended, and said why.
    fn send(&mut self, bytes: &[u8]) {
        if let Some(pipe) = &mut self.child.stdin {
            let _ = pipe.write_all(bytes);
        }
    }

    /// Why the child ended, by what it said and how.
    fn unmade(mut self, mut said: String) -> Unmade {
        let _ = self.said.read_to_string(&mut said);
        match self.child.wait() {
            Ok(status) => self.compiler.unmade(&said, status),
            Err(error) => Refusal::Compile(error.to_string()).into(),
        }
    }
}

impl Drop for Valid<'_> {
    fn drop(&mut self) {
        // It may have ended; then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Compiler {
    fn unmade(&self, said: &str, status: ExitStatus) -> Unmade {
        let unwritten = said
            .lines()
            .find_map(|line| line.strip_prefix(word::UNWRITTEN));
        match unwritten {
            Some(reason) => Unmade::Unwritten(io::Error::other(reason)),
            None => Unmade::Refused(self.refusal(said, status)),
        }
    }

    fn refusal(&self, said: &str, status: ExitStatus) -> Refusal {
        let after = |word| said.lines().find_map(|line| line.strip_prefix(word));
        if SHORT.iter().any(|words| said.contains(words)) {
            return Refusal::Compile(format!(
                "compiling took more than {} of memory (`compile_memory` of [runtime])",
                units::size(self.memory)
            ));
        }
        if let Some(reason) = after(word::INVALID) {
            return Refusal::Invalid(reason.to_owned());
        }
        if let Some((max, what)) = after(word::BOUND).and_then(|text| text.split_once(' '))
            && let Ok(max) = max.parse()
        {
            let what = what.to_owned();
            return Refusal::Bound { what, max };
        }
        if after(word::TIME).is_some() || status.signal() == Some(Signal::XCPU.as_raw()) {
            return Refusal::Compile(format!(
                "compiling took more than {} s (`compile_timeout` of [runtime])",
                self.timeout.as_secs()
            ));
        }
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Refusal::Compile(
                "the compiler was killed; the system may be short of memory".to_owned(),
            );
        }
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        Refusal::Compile(format!(
            "the compiler failed ({status}): {}",
            last.unwrap_or("it said nothing")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_compiler_is_told_in_words_with_the_way_out() {
        let compiler = Compiler {
            program: PathBuf::new(),
            timeout: Duration::from_secs(120),
            memory: 4 << 30,
        };
        let told = |said: &str, status: i32| {
            let refusal = compiler.refusal(said, ExitStatus::from_raw(status));
            refusal.to_string()
        };
        assert_eq!(
            told("valid\ninvalid: no such type (at offset 0x8)\n", 256),
            "this is not a valid component: no such type (at offset 0x8)"
        );
        assert_eq!(
            told("bound: 128 core instances\n", 256),
            "it has more than 128 core instances"
        );
        let time = "compiling took more than 120 s (`compile_timeout` of [runtime])";
        assert_eq!(told("valid\ntime\n", 9), time);
        assert_eq!(told("valid\n", 24), time);
        let memory = "compiling took more than 4GiB of memory (`compile_memory` of [runtime])";
        assert_eq!(told("memory allocation of 4096 bytes failed\n", 6), memory);
        let said = "valid\ninvalid: mmap failed: Cannot allocate memory (os error 12)\n";
        assert_eq!(told(said, 256), memory);
        assert_eq!(
            told("valid\n", 9),
            "the compiler was killed; the system may be short of memory"
        );
        assert_eq!(
            told("thread 'main' panicked at a.rs:1:1:\noops\n", 25856),
            "the compiler failed (exit status: 101): oops"
        );
        assert_eq!(
            told("", 11),
            "the compiler failed (signal: 11 (SIGSEGV)): it said nothing"
        );
    }
}
