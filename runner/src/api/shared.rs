//! What every handler gets. Only the API's thread has it.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::request;
use tokio::sync::watch;

use super::Stage;
use super::access::{Caller, Gate};
use super::audit::Audit;
use super::desk::{self, Desk, Desks};
use super::events::hub::Hub;
use super::invocations::Invocations;
use super::known::Known;
use super::listen::{Peer, Rates, Who};
use super::problem::Problem;
use crate::config::{Config, Explained, Explanation};
use crate::observe::Meters;
use crate::observe::doctor::{self, Check};
use crate::observe::look::Look;
use crate::plugin::Plugins;
use crate::queue::{self, Queue, Redis, Settings};
use crate::verbs::Here;
use crate::worker;

/// What was said of a configuration when it was read.
#[derive(Debug, Clone)]
pub struct Said {
    /// What it says of each queue, and where.
    pub explained: Explained,
    /// What is odd about it.
    pub warnings: Arc<[String]>,
}

/// What an application gives its server.
pub struct Parts {
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// What was said of it when it was read.
    pub said: watch::Receiver<Said>,
    /// Its file, as it was named.
    pub file: String,
    /// What of this system makes it slower.
    pub system: Vec<String>,
    /// The plugins.
    pub plugins: Arc<Plugins>,
    /// Redis; the server makes connections of its own.
    pub redis: Redis,
    /// The name of this runner.
    pub runner: String,
    /// Hands an attempt to the executor.
    pub start: worker::Start,
    /// The queues whose jobs this process takes.
    pub consumed: watch::Receiver<BTreeSet<String>>,
    /// What has ended in this process.
    pub meters: Arc<Meters>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}

/// What every handler gets: `State<Arc<Shared>>`.
pub(super) struct Shared {
    parts: Parts,
    stage: watch::Receiver<Stage>,
    rates: Rates,
    desks: Desks,
    invocations: Invocations,
    events: Hub,
    known: Known,
    gate: Gate,
    audit: Audit,
}

impl Shared {
    /// To be called on the API's runtime: the connections to Redis live there.
    pub(super) fn new(parts: Parts, stage: watch::Receiver<Stage>) -> Shared {
        let redis = parts.redis.fork();
        let gate = Gate::new(redis.clone(), parts.config.clone());
        let audit = Audit::new(redis.clone(), parts.runner.clone(), parts.config.clone());
        Shared {
            parts: Parts { redis, ..parts },
            stage,
            rates: Rates::default(),
            desks: Desks::default(),
            invocations: Invocations::default(),
            events: Hub::new(),
            known: Known::default(),
            gate,
            audit,
        }
    }

    /// The configuration in force now.
    pub(super) fn config(&self) -> Arc<Config> {
        self.parts.config.borrow().clone()
    }

    /// What the configuration in force says of a queue, and where.
    pub(super) fn explained(&self, queue: &str) -> Option<Explanation> {
        self.parts.said.borrow().explained.get(queue).cloned()
    }

    /// What of the configuration, the plugins and the system is worth a word.
    pub(super) fn checks(&self) -> Vec<Check> {
        doctor::process(&doctor::Process {
            config: &self.config(),
            file: &self.parts.file,
            warnings: &self.parts.said.borrow().warnings,
            system: &self.parts.system,
            plugins: &self.plugins().list(),
        })
    }

    /// Where callers are let in.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The plugins.
    pub(super) fn plugins(&self) -> &Arc<Plugins> {
        &self.parts.plugins
    }

    /// The API's own connections.
    pub(super) fn redis(&self) -> &Redis {
        &self.parts.redis
    }

    /// The name of this runner.
    pub(super) fn runner(&self) -> &str {
        &self.parts.runner
    }

    /// Hands an attempt to the executor.
    pub(super) fn start(&self) -> &worker::Start {
        &self.parts.start
    }

    /// Where verbs are done for this caller.
    pub(super) fn here(&self, caller: &Caller) -> Here {
        Here {
            config: self.config(),
            redis: self.parts.redis.clone(),
            runner: self.parts.runner.clone(),
            scope: caller.scope().clone(),
        }
    }

    /// A queue; one that is not declared has the default settings. Whether it exists
    /// is not asked.
    pub(super) fn queue(&self, name: &str) -> Queue {
        let config = self.config();
        if let Some(desk) = self.desk_of(&config, name) {
            return desk.queue().clone();
        }
        let runner = self.parts.runner.clone();
        let settings = Settings::undeclared(name, &config.runtime, runner);
        Queue::new(self.parts.redis.clone(), settings)
    }

    /// A declared queue, with what concurrent requests share of it.
    pub(super) fn desk(&self, caller: &Caller, name: &str) -> Result<Arc<Desk>, Problem> {
        let config = self.config();
        self.desk_of(&config, name)
            .ok_or_else(|| desk::undeclared(&config, caller, name))
    }

    fn desk_of(&self, config: &Arc<Config>, name: &str) -> Option<Arc<Desk>> {
        self.desks.of(config, name, |declared| {
            let runner = self.parts.runner.clone();
            let settings = Settings::of(declared, &config.runtime, runner);
            Queue::new(self.parts.redis.clone(), settings)
        })
    }

    /// The handlers that requests run at once.
    pub(super) fn invocations(&self) -> &Invocations {
        &self.invocations
    }

    /// What has ended in this process.
    pub(super) fn meters(&self) -> &Meters {
        &self.parts.meters
    }

    /// Look at all declared queues; with `failures`, also at the
    /// jobs that failed last.
    pub(super) async fn look(&self, failures: bool) -> Result<Look, queue::Error> {
        let consumed = self.parts.consumed.borrow().clone();
        let (config, plugins) = (self.config(), self.plugins().list());
        let queue = |name: &str| self.queue(name);
        Look::now(config, plugins, consumed, self.redis(), queue, failures).await
    }

    /// What happens in queues.
    pub(super) fn events(&self) -> &Hub {
        &self.events
    }

    /// The queues that were in Redis a moment ago.
    pub(super) fn known_queues(&self) -> &Known {
        &self.known
    }

    /// When the server takes no more requests.
    pub(super) async fn stopping(&self) {
        let mut stage = self.stage.clone();
        // It ends only with the server.
        let _ = stage
            .wait_for(|stage| matches!(stage, Stage::Stop(_)))
            .await;
    }

    /// Whether this process still wants work.
    pub(super) fn is_leaving(&self) -> bool {
        *self.stage.borrow() != Stage::Serve
    }

    /// Count a request of this caller, or of its address if it has not said who it is.
    pub(super) fn count(
        &self,
        caller: Option<&Caller>,
        head: &request::Parts,
    ) -> Result<(), Problem> {
        let config = self.config();
        let rate = config.server.as_ref().and_then(|server| server.rate);
        // Whoever asks whether this process lives is to hear it.
        let (Some(rate), false) = (rate, is_probe(head.uri.path())) else {
            return Ok(());
        };
        let who = match caller.and_then(Caller::credential) {
            Some(name) => Who::Named(name.to_owned()),
            None => {
                let peer = head.extensions.get::<Peer>().copied();
                Who::at(peer.unwrap_or(Peer::Unix))
            }
        };
        self.rates.count(who, rate)
    }

    /// Note that a caller has changed something: the verb, what it was done to, and to
    /// how many.
    pub(super) fn audit(&self, caller: &Caller, verb: &'static str, target: &str, count: u64) {
        self.audit.note(caller, verb, target, count);
    }

    /// Wait until what was noted is in the audit list, or cannot be.
    pub(super) async fn audited(&self) {
        self.audit.flush().await;
    }
}

fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz")
}
