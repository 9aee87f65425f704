//! `runner completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self) -> super::Result {
        let mut command = super::Cli::command();
        clap_complete::generate(self.shell, &mut command, "runner", &mut std::io::stdout());
        Ok(())
    }
}
