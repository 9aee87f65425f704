//! What is kept of each declared queue between requests, so that concurrent ones share
//! calls. It is made anew when the configuration changes.
//!
//! For handlers, by [`Shared::desk`](super::shared::Shared::desk).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::access::Caller;
use super::problem::Problem;
use crate::config::{self, Config};
use crate::queue::{Adder, Finder, Queue};
use crate::verbs::{self, cover::Cover};

/// One declared queue, as requests use it.
#[derive(Debug)]
pub(super) struct Desk {
    /// Its configuration.
    pub(super) declared: Arc<config::Queue>,
    /// Adds jobs to it.
    pub(super) adder: Adder,
    /// Finds jobs of it.
    pub(super) finder: Finder,
    /// What of its jobs is not shown to everybody.
    pub(super) cover: Cover,
}

impl Desk {
    /// The queue.
    pub(super) fn queue(&self) -> &Queue {
        self.adder.queue()
    }

    /// What of its jobs is not shown to this caller.
    pub(super) fn cover_for(&self, caller: &Caller) -> Cover {
        match caller.sees_payloads() {
            true => Cover::none(),
            false => self.cover.clone(),
        }
    }
}

/// The desks of the configuration in force.
#[derive(Debug, Default)]
pub(super) struct Desks(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    config: Option<Arc<Config>>,
    desks: HashMap<String, Arc<Desk>>,
}

impl Desks {
    /// The desk of a queue, if the configuration declares it; `make` connects it.
    pub(super) fn of(
        &self,
        config: &Arc<Config>,
        name: &str,
        make: impl FnOnce(&Arc<config::Queue>) -> Queue,
    ) -> Option<Arc<Desk>> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = made.config.as_ref();
        if !current.is_some_and(|current| Arc::ptr_eq(current, config)) {
            made.desks.clear();
            made.config = Some(config.clone());
        }
        if let Some(desk) = made.desks.get(name) {
            return Some(desk.clone());
        }
        let declared = config.queues.get(name)?;
        let queue = make(declared);
        let desk = Arc::new(Desk {
            declared: declared.clone(),
            adder: Adder::new(queue.clone()),
            finder: Finder::new(queue),
            cover: Cover::of(config, name),
        });
        made.desks.insert(name.to_owned(), desk.clone());
        Some(desk)
    }
}

/// Nothing is known of a queue. Names that the caller may not use are no hint.
pub(super) fn undeclared(config: &Config, caller: &Caller, name: &str) -> Problem {
    let names = caller.filter(config.queues.keys().map(String::as_str));
    verbs::undeclared(name, &names).into()
}
