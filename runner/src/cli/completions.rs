//! `runner completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::output;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: runner completions bash > ~/.local/share/bash-completion/completions/runner"
)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self) -> super::Result {
        let mut command = super::Cli::command();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "runner", &mut script);
        output::line(String::from_utf8_lossy(&script).trim_end());
        Ok(())
    }
}
