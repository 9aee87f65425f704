//! A child process that never outlives the test process.

use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use super::until;

/// A running child. Dropped: killed and reaped. If the test process dies
/// without dropping it (abort, SIGKILL, a static), its guard kills it.
pub(crate) struct Process {
    child: Child,
    guard: Option<Guard>,
}

/// A shell that waits on a pipe from us: a line means the child is gone, the
/// end of the pipe means that we are.
struct Guard {
    shell: Child,
    pipe: ChildStdin,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Process {
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {:?}: {error}", command.get_program()));
        let mut shell = Command::new("sh")
            .args(["-c", "read -r _ || kill -9 \"$0\"", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let pipe = shell.stdin.take().expect("stdin is piped");
        Process {
            child,
            guard: Some(Guard { shell, pipe }),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child's own handle, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// Send a signal by name: `TERM`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status()
            .expect("sh starts");
        assert!(status.success(), "kill -{name} {}: {status}", self.id());
    }

    /// Wait for its end.
    ///
    /// # Panics
    /// When it goes on for longer than [`super::PATIENCE`].
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = until("a child process to end", || self.ended());
        self.release();
        status
    }

    /// SIGKILL, and reap.
    pub(crate) fn kill(&mut self) {
        // Fails only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.release();
    }

    fn release(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            use std::io::Write;
            let _ = guard.pipe.write_all(b"\n");
            drop(guard.pipe);
            let _ = guard.shell.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
