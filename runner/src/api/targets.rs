//! Which queues a request is about: those it names, of those that its caller may see.

use super::access::Caller;
use super::problem::Problem;
use super::shared::Shared;
use crate::verbs::search::Target;

impl Shared {
    /// The names of all queues, declared or in Redis a moment ago, sorted.
    async fn known(&self) -> Result<Vec<String>, Problem> {
        let mut names = self.known_queues().names(self.redis()).await?;
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
