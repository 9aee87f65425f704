//! `runner api token`: a new token, and the lines of queues.toml that let it in.

use std::fmt::Write;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{Cli, Exit, Result, output};
use crate::config::Role;
use crate::verbs::secrets;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: runner api token ci --role operator --queues 'otp-*' --expires 90d"
)]
pub(in crate::cli) struct Args {
    /// What the token is called, in queues.toml and in the audit list.
    #[arg(default_value = "new")]
    name: String,
    /// What it may do: look; also add, retry, pause; everything.
    #[arg(
        long,
        default_value = "viewer",
        value_parser = PossibleValuesParser::new(Role::ALL.map(Role::name))
            .map(|name| Role::named(&name).expect("one of the possible values"))
    )]
    role: Role,
    /// Patterns of the queues that it may touch and know of [default: all].
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', num_args = 1..)]
    queues: Vec<String>,
    /// Whether it sees payloads and sensitive fields [default: only an admin].
    #[arg(long, value_name = "true|false")]
    payloads: Option<bool>,
    /// When it stops working: a time from now, such as 90d, or RFC 3339.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<Timestamp>,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New {
    name: String,
    token: String,
    hash: String,
    toml: String,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let made = secrets::token().map_err(Exit::failed)?;
        let toml = self.toml(&made.hash);
        if cli.json {
            output::json(&New {
                name: self.name.clone(),
                token: made.token,
                hash: made.hash,
                toml,
            });
            return Ok(());
        }
        output::say("The token, which is not shown again. Give it to the program:");
        output::line(&made.token);
        output::say("And these lines to queues.toml; a running server takes them up at once:");
        output::say(toml.trim_end());
        Ok(())
    }

    fn toml(&self, hash: &str) -> String {
        let mut toml = format!("[server.tokens.{}]\ntoken = {hash:?}\n", key(&self.name));
        // Writing to a string does not fail.
        let _ = writeln!(toml, "role = {:?}", self.role.name());
        if !self.queues.is_empty() {
            let _ = writeln!(toml, "queues = {:?}", self.queues);
        }
        if let Some(payloads) = self.payloads {
            let _ = writeln!(toml, "payloads = {payloads}");
        }
        if let Some(expires) = self.expires {
            let _ = writeln!(toml, "expires = {expires:.0}");
        }
        toml
    }
}

/// A key of TOML; in quotes where it must be.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}

fn when(text: &str) -> std::result::Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let wrong = || format!("{text:?} is no time: write 90d, 12h or 2027-01-01T00:00:00Z");
    let length = humantime::parse_duration(text).map_err(|_| wrong())?;
    #[expect(clippy::disallowed_methods, reason = "a date for people")]
    let now = Timestamp::now();
    now.checked_add(length).map_err(|_| wrong())
}
