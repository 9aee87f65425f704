//! Which queues a request is about: those it names, of those that its caller may see.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::access::Caller;
use super::problem::Problem;
use super::shared::Shared;
use crate::queue;
use crate::verbs::search::Target;

/// How long a list of the queues in Redis is good: making one walks through all keys.
const FRESH: Duration = Duration::from_secs(10);

/// The queues that were in Redis, and when.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(Instant, Vec<String>)>>);

impl Known {
    fn get(&self) -> Option<Vec<String>> {
        let known = self.0.lock().expect("no panic while it is held");
        let (at, names) = known.as_ref()?;
        (at.elapsed() < FRESH).then(|| names.clone())
    }

    fn set(&self, names: &[String]) {
        let mut known = self.0.lock().expect("no panic while it is held");
        *known = Some((Instant::now(), names.to_vec()));
    }
}

impl Shared {
    /// The names of all queues, declared or in Redis a moment ago, sorted.
    async fn known(&self) -> Result<Vec<String>, Problem> {
        let mut names = match self.known_queues().get() {
            Some(names) => names,
            None => {
                let names = queue::queues(self.redis()).await?;
                self.known_queues().set(&names);
                names
            }
        };
        names.extend(self.config().queues.keys().cloned());
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The queues that a request names, with commas between and `*` for any characters;
    /// all that the caller may know of if it names none.
    pub(super) async fn targets(
        &self,
        caller: &Caller,
        asked: Option<&str>,
    ) -> Result<Vec<Target>, Problem> {
        let here = self.here(caller);
        let names = match asked {
            None => caller.filter(self.known().await?),
            Some(asked) => {
                let names = asked.split(',').map(str::trim);
                for name in names.filter(|name| !name.contains('*')) {
                    caller.may(name)?;
                }
                here.named(asked).await?
            }
        };
        Ok(Target::of(&here, &names, caller.sees_payloads()))
    }
}
