//! `--server URL`: commands that ask a running Runner through its HTTP API, where Redis is
//! out of reach. A command asks its question at a [`Place`] and does not know which it
//! is: the answer of the API is read back as the type that the verb has here.

mod bulk;
mod call;
mod client;
mod events;
mod options;
pub(super) mod routes;

use serde::de::DeserializeOwned;

pub(super) use self::bulk::Bulk;
pub(super) use self::call::Call;
pub(super) use self::client::Client;
pub(super) use self::events::Added;
pub(super) use self::options::Options;
use super::{Cli, Exit, Result, target};
use crate::config::Loaded;
use crate::verbs::{self, Here};

/// Where a question is answered.
pub(super) enum Place {
    /// In this process, over Redis.
    Here(Box<Here>),
    /// By a server.
    There(Client),
}

impl Place {
    /// The server that was named, else the Redis of the configuration that `load` reads.
    pub(super) async fn of(cli: &Cli, load: impl FnOnce(&Cli) -> Result<Loaded>) -> Result<Place> {
        if let Some(client) = server(cli)? {
            return Ok(Place::There(client));
        }
        let loaded = load(cli)?;
        Ok(Place::Here(Box::new(target::here(cli, &loaded).await?)))
    }

    /// The answer of the verb here, or of its route there.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        route: Call,
        verb: impl AsyncFnOnce(&Here) -> verbs::Result<T>,
    ) -> Result<T> {
        match self {
            Place::Here(here) => Ok(verb(here).await?),
            Place::There(client) => client.ask(route).await,
        }
    }
}

/// The server that was named, if one was.
pub(super) fn server(cli: &Cli) -> Result<Option<Client>> {
    cli.remote.client()
}

/// Refuse `--server` for a command that works on this machine only.
pub(super) fn refuse(cli: &Cli, command: &str, why: &str) -> Result {
    match cli.remote.is_flagged() {
        true => Err(Exit::usage(format!(
            "runner {command} takes no --server: {why}"
        ))),
        false => Ok(()),
    }
}
