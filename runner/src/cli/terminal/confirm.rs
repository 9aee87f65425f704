//! What is asked before something that cannot be undone.

use std::io::{BufRead, IsTerminal};

use super::output;
use crate::cli::{Exit, Result};

/// `--yes` of commands that cannot be undone.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Confirm {
    /// Do not ask for confirmation; required without a terminal.
    #[arg(long, short)]
    yes: bool,
}

impl Confirm {
    /// Whether it asks.
    pub(in crate::cli) fn asks(&self) -> bool {
        !self.yes
    }

    /// Go on only when the queue's name is typed, or `--yes` was given. `what`
    /// says what is about to happen, with its count: `removes 12 waiting jobs`.
    pub(in crate::cli) fn ask(&self, queue: &str, what: &str) -> Result {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Exit::usage(format!("this {what}; add --yes to confirm")));
        }
        output::say(format!("this {what}"));
        output::ask("type the queue's name to continue: ");
        let mut typed = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut typed)
            .map_err(Exit::failed)?;
        if typed.trim() == queue {
            Ok(())
        } else {
            Err(Exit::failed("that is not the name: nothing was changed"))
        }
    }
}
