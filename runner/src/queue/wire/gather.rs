//! Questions of concurrent callers that share calls: what is asked while a call is on its
//! way goes with the next one. Nobody waits for others to come, so a lone question goes
//! at once.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::oneshot;

/// Questions of the type `Q` that wait for the next call, each with where its answer goes.
#[derive(Debug)]
pub(in crate::queue) struct Gather<Q, A>(Mutex<Line<Q, A>>);

#[derive(Debug)]
struct Line<Q, A> {
    waiting: Vec<(Q, oneshot::Sender<A>)>,
    /// Whether somebody carries the line to Redis.
    carried: bool,
}

/// A batch of questions, and where their answers go.
pub(in crate::queue) type Batch<Q, A> = (Vec<Q>, Vec<oneshot::Sender<A>>);

impl<Q, A> Gather<Q, A> {
    pub(in crate::queue) fn new() -> Gather<Q, A> {
        Gather(Mutex::new(Line {
            waiting: Vec::new(),
            carried: false,
        }))
    }

    /// Ask. True when the caller has to see to it that the line is carried, by taking
    /// [`Gather::next`] until there is none.
    pub(in crate::queue) fn ask(&self, question: Q) -> (oneshot::Receiver<A>, bool) {
        let (answer, answered) = oneshot::channel();
        let mut line = self.line();
        line.waiting.push((question, answer));
        (answered, !std::mem::replace(&mut line.carried, true))
    }

    /// What goes with the next call: the first questions that are still asked, as long as
    /// `fits` says so of each. None when nobody waits any more.
    pub(in crate::queue) fn next(&self, mut fits: impl FnMut(&Q) -> bool) -> Option<Batch<Q, A>> {
        let mut line = self.line();
        line.waiting.retain(|(_, answer)| !answer.is_closed());
        let fitting = line
            .waiting
            .iter()
            .take_while(|(question, _)| fits(question));
        let count = fitting.count();
        if count == 0 {
            line.carried = false;
            return None;
        }
        let rest = line.waiting.split_off(count);
        let batch = std::mem::replace(&mut line.waiting, rest);
        Some(batch.into_iter().unzip())
    }

    fn line(&self) -> MutexGuard<'_, Line<Q, A>> {
        self.0.lock().expect("no panic while the line is held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_meanwhile_goes_with_the_next_call() {
        let line = Gather::<u32, ()>::new();
        let next = || line.next(|_| true).map(|(questions, _)| questions);
        let (_one, carries) = line.ask(1);
        assert!(carries);
        assert_eq!(next(), Some(vec![1]));
        let (_two, carries) = line.ask(2);
        assert!(!carries);
        let (three, _) = line.ask(3);
        drop(three);
        let (_four, _) = line.ask(4);
        assert_eq!(next(), Some(vec![2, 4]), "3 is not asked any more");
        assert_eq!(next(), None);
        assert!(line.ask(5).1, "the line has to be carried again");
    }

    #[test]
    fn what_does_not_fit_waits_for_the_call_after() {
        let line = Gather::<u32, ()>::new();
        let _asked: Vec<_> = (0..5).map(|n| line.ask(n)).collect();
        let mut room = 3;
        let batch = line.next(|_| {
            room -= 1;
            room >= 0
        });
        assert_eq!(batch.map(|(questions, _)| questions), Some(vec![0, 1, 2]));
        assert_eq!(
            line.next(|_| true).map(|(questions, _)| questions),
            Some(vec![3, 4])
        );
    }
}
