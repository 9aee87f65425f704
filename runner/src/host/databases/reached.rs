//! Whether a database has answered since it was granted. Until then its plugin is not asked
//! to work: each of its jobs would only spend an attempt.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use runner_sql::{Database, Error};
use tokio::runtime::Handle;
use tokio::sync::watch::Sender;

/// How long it rests after a try, at first and at most.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What is known of one database.
#[derive(Debug, Default)]
pub(super) struct Reached(Mutex<State>);

#[derive(Debug, Default, Clone)]
enum State {
    #[default]
    Untried,
    /// Why it did not answer the last time; `None` before the first answer.
    Trying(Option<String>),
    Yes,
}

impl Reached {
    /// Whether it has answered; otherwise why not, if that is known. The first who asks
    /// has it tried until it does, on `io`; `told` hears of each change.
    pub(super) fn ask(
        self: &Arc<Self>,
        database: &Result<Database, Error>,
        io: &Handle,
        told: &Sender<()>,
    ) -> Result<(), Option<String>> {
        let mut state = self.lock();
        match &*state {
            State::Yes => Ok(()),
            State::Trying(why) => Err(why.clone()),
            State::Untried => {
                let database = match database {
                    Ok(database) => database.clone(),
                    Err(error) => {
                        *state = State::Trying(Some(error.message.clone()));
                        return Err(Some(error.message.clone()));
                    }
                };
                *state = State::Trying(None);
                io.spawn(attempt(database, Arc::downgrade(self), told.clone()));
                Err(None)
            }
        }
    }

    /// Why it has not answered yet, for people.
    pub(super) fn why(&self) -> Option<String> {
        match &*self.lock() {
            State::Trying(why) => why.clone(),
            State::Untried | State::Yes => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Try until it answers, or is granted no longer.
async fn attempt(database: Database, reached: Weak<Reached>, told: Sender<()>) {
    let (mut rest, longest) = REST;
    loop {
        let answer = database.ready().await;
        let Some(reached) = reached.upgrade() else {
            return;
        };
        let state = match &answer {
            Ok(()) => State::Yes,
            Err(error) => State::Trying(Some(error.message.clone())),
        };
        *reached.lock() = state;
        drop(reached);
        told.send_replace(());
        if answer.is_ok() {
            return;
        }
        tokio::time::sleep(rest).await;
        rest = (rest * 2).min(longest);
    }
}
