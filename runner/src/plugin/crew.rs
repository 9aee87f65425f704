//! The threads that load plugins: a few, for any number of loads.
//!
//! As many are at work as there are cores; one that has to wait, for the compiler
//! or for a guest, steps aside, and another goes on. So no load waits for another
//! that waits, and what is loaded at once does not cost a heap per plugin.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(super) struct Crew {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Threads at work, without those that stepped aside.
    busy: usize,
}

impl Crew {
    /// Have a job done, which must not panic.
    ///
    /// # Errors
    /// When the system refuses the thread it needs.
    pub(super) fn put(self: &Arc<Self>, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.lock().waiting.push_back(Box::new(job));
        self.hire()
    }

    /// Wait, in a job, for something else than a core.
    pub(super) fn aside<T>(self: &Arc<Self>, wait: impl FnOnce() -> T) -> T {
        /// Comes back, also from a panic.
        struct Aside<'a>(&'a Crew);
        impl Drop for Aside<'_> {
            fn drop(&mut self) {
                self.0.lock().busy += 1;
            }
        }
        self.lock().busy -= 1;
        let _back = Aside(self);
        // Without a thread the other jobs wait for this one.
        let _ = self.hire();
        wait()
    }

    /// Start a thread, if there is work for it and a core.
    fn hire(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.lock();
        if state.waiting.is_empty() || state.busy >= cores() {
            return Ok(());
        }
        state.busy += 1;
        drop(state);
        let crew = self.clone();
        std::thread::Builder::new()
            .name("runner-load".into())
            .spawn(move || crew.work())
            .inspect_err(|_| self.lock().busy -= 1)
            .map(drop)
    }

    /// Jobs one after the other, until there are none or others do them.
    fn work(&self) {
        loop {
            let mut state = self.lock();
            let next = match state.busy <= cores() {
                true => state.waiting.pop_front(),
                false => None,
            };
            let Some(job) = next else {
                state.busy -= 1;
                return;
            };
            drop(state);
            job();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn jobs_that_wait_delay_no_other() {
        let crew = Arc::new(Crew::default());
        let (done, end) = channel();
        let (ends, waits): (Vec<_>, Vec<_>) = (0..3 * cores()).map(|_| channel::<()>()).unzip();
        for wait in waits {
            let (crew, done) = (crew.clone(), done.clone());
            let of = crew.clone();
            crew.put(move || {
                // Its other end is dropped below.
                let _ = of.aside(|| wait.recv());
                done.send("waited").unwrap();
            })
            .unwrap();
        }
        let quick = done.clone();
        crew.put(move || quick.send("quick").unwrap()).unwrap();
        assert_eq!(end.recv(), Ok("quick"));
        drop((ends, done));
        assert_eq!(end.iter().count(), 3 * cores());
    }

    #[test]
    fn no_more_are_at_work_than_there_are_cores() {
        let crew = Arc::new(Crew::default());
        let (began, begins) = channel();
        let (ends, waits): (Vec<_>, Vec<_>) = (0..cores() + 1).map(|_| channel::<()>()).unzip();
        for wait in waits {
            let began = began.clone();
            crew.put(move || {
                began.send(()).unwrap();
                let _ = wait.recv();
            })
            .unwrap();
        }
        for _ in 0..cores() {
            begins.recv().unwrap();
        }
        assert_eq!(crew.lock().waiting.len(), 1);
        drop(ends);
        begins.recv().unwrap();
    }
}
