//! `runner api`: what callers of the HTTP API say who they are with. One file per command.
//! Knows neither Redis nor a running server: what is printed goes into queues.toml.

mod password;
mod routes;
mod token;

use super::{Cli, Result};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the routes of the API, and who may use each.
    #[command(after_help = "Example: runner api routes")]
    Routes,
    /// Make a token for a program: it is shown once, with the lines for queues.toml.
    Token(token::Args),
    /// Make the hash of a password, for [server.users.<name>].
    Password(password::Args),
}

impl Command {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        match self {
            Command::Routes => {
                routes::say(cli);
                Ok(())
            }
            Command::Token(args) => args.run(cli),
            Command::Password(args) => args.run(cli),
        }
    }
}
