//! The HTTP API: what programs, people and collectors ask of this process.
//!
//! It runs on a thread of its own with its own connections to Redis, so that neither
//! guests nor workers delay it, nor it them. `listen` takes connections, `access` says
//! who a caller is and what that caller may do, `routing` adds a route with the role it
//! needs, and `routes` has one file per noun, each over the verbs that the command line
//! uses, too. Only an application starts it.

mod access;
mod audit;
mod desk;
mod events;
mod extract;
mod hooks;
mod invocations;
mod known;
mod listen;
mod openapi;
mod problem;
mod routes;
mod routing;
mod segment;
mod shared;
mod targets;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

pub use self::access::COVER;
use self::hooks::Taken;
pub use self::listen::{Address, Unbound};
use self::listen::{Door, Keeper};
pub use self::routing::Route;
pub use self::segment::segment;
use self::shared::Shared;
pub use self::shared::{Parts, Said};
use crate::config::{self, Config};
use crate::contract::Interface;

/// What is wrong with routes of `queues.toml` that are never reached, because the server
/// has their paths itself.
pub fn shadowed(config: &Config) -> Vec<String> {
    Taken::of(routes::every().document()).warnings(&config.routes)
}

/// How jobs are added to these queues: the name of each, its contract, and whether that
/// is strict. As `/openapi.json` of a server with these settings has it.
pub fn openapi<'a>(
    server: Option<&config::Server>,
    queues: impl IntoIterator<Item = (&'a str, &'a Interface, bool)>,
) -> Value {
    let mut document = openapi::bound(routes::described(), queues);
    openapi::fit(&mut document, server);
    document
}

/// All routes, in the order of their description.
pub fn routes() -> Vec<Route> {
    routes::every().list()
}

/// A server on its own thread, which listens while the configuration has an address.
#[derive(Debug)]
pub struct Server {
    address: watch::Receiver<Option<Address>>,
    stage: watch::Sender<Stage>,
    thread: JoinHandle<()>,
}

/// What the owner wants of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serve,
    /// Say that no more work is wanted, and go on serving.
    Leave,
    /// Let requests in flight end for so long.
    Stop(Duration),
}

impl Server {
    /// Listen where the configuration says, and serve from now on. Later changes of it
    /// are followed.
    ///
    /// # Errors
    /// When the address cannot be had or the system refuses a thread.
    pub fn start(parts: Parts) -> Result<Server, Unbound> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Unbound::System)?;
        let door = {
            let _inside = runtime.enter();
            let settings = parts.config.borrow().server.clone();
            settings.as_ref().map(Door::open).transpose()
        };
        let door = match door {
            Ok(door) => door,
            Err(error) => {
                // The caller may be on a runtime of its own, which must not wait.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        if let Some(door) = &door {
            door.tell();
        }
        let (told, address) = watch::channel(door.as_ref().map(Door::address));
        let (stage, stages) = watch::channel(Stage::Serve);
        let run = move || {
            runtime.block_on(async {
                let configs = parts.config.clone();
                let shared = Arc::new(Shared::new(parts, stages.clone()));
                let app = routes::all(shared.clone());
                Keeper::new(app, door, told).run(configs, stages).await;
                // What was changed last is to be in the audit list, if Redis takes it.
                let _ = tokio::time::timeout(Duration::from_secs(1), shared.audited()).await;
            });
            // Nobody waits for what is still being looked up or computed.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("runner-api".to_owned());
        Ok(Server {
            address,
            stage,
            thread: thread.spawn(run).map_err(Unbound::System)?,
        })
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<Address> {
        self.address.borrow().clone()
    }

    /// Answer `/readyz` with no from now on, and go on serving.
    pub fn leave(&self) {
        self.stage.send_replace(Stage::Leave);
    }

    /// Take no more requests; those in flight may end within `grace`, or until `hurry`
    /// is done.
    pub async fn stop(self, grace: Duration, hurry: impl Future<Output = ()>) {
        self.stage.send_replace(Stage::Stop(grace));
        let thread = self.thread;
        let mut ended = tokio::task::spawn_blocking(move || thread.join());
        // A thread that has panicked has said so.
        tokio::select! {
            _ = &mut ended => {}
            () = hurry => {
                self.stage.send_replace(Stage::Stop(Duration::ZERO));
                let _ = ended.await;
            }
        }
    }
}
