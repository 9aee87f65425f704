//! `runner api password`: the hash of a password.

use std::io::{IsTerminal, Read};

use crate::cli::{Cli, Exit, Result, output};
use crate::verbs::secrets;

/// Shorter ones are guessed.
const SHORTEST: usize = 8;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Reads the password from the terminal, unseen, or from standard input.\n\n\
                  Example: runner api password < password.txt"
)]
pub(in crate::cli) struct Args {}

impl Args {
    #[expect(clippy::unused_self, reason = "as for every command")]
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let password = read()?;
        if password.chars().count() < SHORTEST {
            return Err(Exit::usage(format!(
                "a password must have {SHORTEST} characters or more"
            )));
        }
        let hash = secrets::hash(&password).map_err(Exit::failed)?;
        match cli.json {
            true => output::json(&serde_json::json!({ "hash": hash })),
            false => output::line(&hash),
        }
        Ok(())
    }
}

/// From the terminal twice, as nobody sees what they type; else all of standard input
/// but its last line break.
fn read() -> Result<String> {
    if std::io::stdin().is_terminal() {
        let (first, second) = (unseen("password: ")?, unseen("again: ")?);
        return match first == second {
            true => Ok(first),
            false => Err(Exit::failed("these are two different passwords")),
        };
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|_| Exit::usage("the password is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn unseen(question: &str) -> Result<String> {
    output::ask(question);
    console::Term::stderr()
        .read_secure_line()
        .map_err(Exit::failed)
}
