//! The flags that name a server, and where its token is.

use std::path::PathBuf;

use super::client::Client;
use crate::cli::{Exit, Result};

/// The flags that name a server.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// Ask a running Runner at this URL instead of Redis: https://host, http://host:3000
    /// or unix:/path [env: RUNNER_SERVER].
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Where the token for the server is: env:NAME or file:PATH [env: RUNNER_TOKEN, the
    /// token itself].
    #[arg(long, global = true, value_name = "WHERE")]
    token: Option<String>,
    /// Trust the certificate authorities of this PEM file, and no others [env: RUNNER_CA].
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Options {
    /// A client of the server that is named, if one is.
    pub(super) fn client(&self) -> Result<Option<Client>> {
        let server = self.server.clone().or_else(|| set("RUNNER_SERVER"));
        let Some(server) = server else {
            return match (&self.token, &self.ca) {
                (None, None) => Ok(None),
                _ => Err(Exit::usage("--token and --ca go with --server URL")),
            };
        };
        let ca = self
            .ca
            .clone()
            .or_else(|| set("RUNNER_CA").map(PathBuf::from));
        Client::new(&server, self.token()?, ca.as_deref()).map(Some)
    }

    /// Whether a flag, and not the environment, names a server.
    pub(super) fn is_flagged(&self) -> bool {
        self.server.is_some()
    }

    fn token(&self) -> Result<Option<String>> {
        let (place, text) = match &self.token {
            Some(place) => (place.as_str(), read(place)?),
            None => ("RUNNER_TOKEN", set("RUNNER_TOKEN")),
        };
        let Some(text) = text else {
            return Ok(None);
        };
        let token = text.trim();
        let is_fit = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        match is_fit {
            true => Ok(Some(token.to_owned())),
            false => Err(Exit::usage(format!(
                "what {place} has is no token: a token is one line without spaces"
            ))),
        }
    }
}

/// What stands at `env:NAME` or `file:PATH`.
fn read(place: &str) -> Result<Option<String>> {
    if let Some(name) = place.strip_prefix("env:") {
        let value = set(name);
        let unset = || Exit::usage(format!("--token {place}: {name} is not set"));
        return value.ok_or_else(unset).map(Some);
    }
    let Some(path) = place.strip_prefix("file:") else {
        return Err(Exit::usage(
            "--token takes env:NAME or file:PATH, as every user of this machine can read the \
             arguments of a command; or set RUNNER_TOKEN",
        ));
    };
    let text = std::fs::read_to_string(path);
    text.map(Some)
        .map_err(|error| Exit::usage(format!("--token {place} cannot be read: {error}")))
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "there may be no configuration")]
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
