//! The HTTP API: what programs, people and collectors ask of this process.
//!
//! It runs on a thread of its own with its own connections to Redis, so that neither
//! guests nor workers delay it, nor it them. `listen` takes connections, `access` says
//! who a caller is and what that caller may do, `routing` adds a route with the role it
//! needs, and `routes` has one file per noun, each over the verbs that the command line
//! uses, too. Only an application starts it.

mod access;
mod extract;
mod listen;
mod openapi;
mod problem;
mod routes;
mod routing;
mod shared;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use self::listen::Bound;
pub use self::shared::Parts;
use self::shared::Shared;
use crate::config::Listen;

/// A server that listens, on its own thread.
#[derive(Debug)]
pub struct Server {
    address: Listen,
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
    /// Listen, and serve from now on.
    ///
    /// # Errors
    /// When the address cannot be had or the system refuses a thread.
    pub fn start(listen: &Listen, parts: Parts) -> io::Result<Server> {
        let bound = Bound::to(listen)?;
        let address = bound.address()?;
        let (stage, stages) = watch::channel(Stage::Serve);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let run = move || {
            runtime.block_on(async {
                let shared = Arc::new(Shared::new(parts, stages.clone()));
                let (app, _document) = routes::all(shared);
                if let Err(error) = bound.serve(app, stages).await {
                    tracing::error!(%error, "the HTTP API has ended");
                }
            });
        };
        let thread = std::thread::Builder::new().name("runner-api".to_owned());
        Ok(Server {
            address,
            stage,
            thread: thread.spawn(run)?,
        })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> &Listen {
        &self.address
    }

    /// Answer `/readyz` with no from now on, and go on serving.
    pub fn leave(&self) {
        self.stage.send_replace(Stage::Leave);
    }

    /// Take no more requests; those in flight may end within `grace`.
    pub async fn stop(self, grace: Duration) {
        self.stage.send_replace(Stage::Stop(grace));
        let thread = self.thread;
        // A thread that has panicked has said so.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}
