//! Which states of which queues a search goes through, in which order, and how the jobs
//! of one step are shared among those that it goes through at once.

use serde::{Deserialize, Serialize};

use crate::queue::{PAGE, Place, State};

/// States that are gone through at once, in one queue or several. A cursor has a place in
/// each, and must fit into a URL.
const ABREAST: usize = 12;

/// In which order jobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One state of one queue after the other: for lists, and for who acts on jobs.
    InTurn,
    /// All states of a queue at once, so that what is behind many jobs of another state
    /// is found soon.
    AtOnce,
}

impl Order {
    /// As a cursor's question has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Order::InTurn => "in turn",
            Order::AtOnce => "at once",
        }
    }
}

/// A state of a queue that is being gone through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Walk {
    /// Which part of the plan.
    pub(super) part: usize,
    pub(super) place: Place,
}

/// One state of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Which of the queues.
    pub(super) target: usize,
    pub(super) state: State,
    /// Those jobs that have ended since the search began: what was waiting then may have
    /// been taken before it was looked at.
    pub(super) late: bool,
}

/// All parts, by their order.
#[derive(Debug)]
pub(super) struct Plan {
    queues: usize,
    states: Vec<State>,
    /// Those that are looked at again at the end.
    ended: Vec<State>,
    pub(super) order: Order,
}

impl Plan {
    pub(super) fn new(queues: usize, states: Vec<State>, order: Order) -> Plan {
        // Nobody comes to an ended state from nowhere.
        let ended = match order {
            Order::AtOnce if states.len() > 1 => {
                let ended = states.iter().filter(|state| state.is_ended());
                ended.copied().collect()
            }
            _ => Vec::new(),
        };
        Plan {
            queues,
            states,
            ended,
            order,
        }
    }

    pub(super) fn states(&self) -> &[State] {
        &self.states
    }

    /// The part of this number; none behind the last.
    pub(super) fn part(&self, number: usize) -> Option<Part> {
        let early = self.queues * self.states.len();
        let late = number >= early;
        let (states, number) = match late {
            false => (&self.states, number),
            true => (&self.ended, number - early),
        };
        let target = number.checked_div(states.len())?;
        (target < self.queues).then(|| Part {
            target,
            state: states[number % states.len()],
            late,
        })
    }

    /// All of them.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        (0..).map_while(|number| self.part(number))
    }

    /// Whether the search looks at jobs that had ended when it began apart from those
    /// that end later.
    pub(super) fn parts_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// How many parts are gone through at once.
    pub(super) fn width(&self) -> usize {
        match self.order {
            Order::InTurn => 1,
            Order::AtOnce => ABREAST,
        }
    }

    /// Begin with as many more as there may be.
    pub(super) fn begin(&self, walks: &mut Vec<Walk>, next: &mut usize) {
        while walks.len() < self.width()
            && let Some(part) = self.part(*next)
        {
            let is_late = |walk: &Walk| self.part(walk.part).is_some_and(|part| part.late);
            if part.late && !walks.iter().all(is_late) {
                return;
            }
            walks.push(Walk {
                part: *next,
                place: Place::default(),
            });
            *next += 1;
        }
    }
}

/// How many jobs of each are looked at in a step of at most `budget` jobs: as many as Redis
/// reads in a moment in all. Half of them are of that with the fewest left, which is soon
/// done with.
pub(super) fn shares(budget: usize, left: &[u64]) -> Vec<usize> {
    let all = budget.min(PAGE);
    let count = left.len().max(1);
    if all < 2 * count {
        let share = |at| all / count + usize::from(at < all % count);
        return (0..left.len()).map(share).collect();
    }
    let even = all / 2 / count;
    let mut shares = vec![even; left.len()];
    let least = (0..left.len()).min_by_key(|at| left[*at]);
    if let Some(least) = least {
        shares[least] = all - even * (count - 1);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_soon_done_with_has_half_of_a_step() {
        assert_eq!(shares(1000, &[7]), [PAGE]);
        assert_eq!(shares(1000, &[900, 20, 900, 900]), [25, 125, 25, 25]);
        assert_eq!(shares(5, &[900, 20, 900]), [2, 2, 1]);
        assert_eq!(shares(2, &[900, 20, 900]), [1, 1, 0]);
        assert_eq!(shares(10, &[]), [0; 0]);
    }

    #[test]
    fn what_ends_meanwhile_is_looked_at_when_all_else_was() {
        let states = vec![State::Waiting, State::Completed];
        let plan = Plan::new(2, states, Order::AtOnce);
        let (mut walks, mut next) = (Vec::new(), 0);
        plan.begin(&mut walks, &mut next);
        let all: Vec<(usize, &str, bool)> = plan
            .parts()
            .map(|part| (part.target, part.state.name(), part.late))
            .collect();
        let (waiting, completed) = ("waiting", "completed");
        assert_eq!(
            all,
            [
                (0, waiting, false),
                (0, completed, false),
                (1, waiting, false),
                (1, completed, false),
                (0, completed, true),
                (1, completed, true),
            ]
        );
        assert_eq!((walks.len(), next), (4, 4));
        walks.truncate(1);
        plan.begin(&mut walks, &mut next);
        assert_eq!((walks.len(), next), (1, 4));
        walks.clear();
        plan.begin(&mut walks, &mut next);
        assert_eq!((walks.len(), next), (2, 6));
        let none = Plan::new(2, Vec::new(), Order::AtOnce);
        assert_eq!(none.parts().count(), 0);
        // Who begins with an ended state alone misses nobody.
        let one = Plan::new(1, vec![State::Failed], Order::AtOnce);
        assert_eq!(one.parts().count(), 1);
    }
}
