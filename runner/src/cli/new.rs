//! `runner new`: a project of a plugin, in the language that one likes.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::output::{self, dim, good, plain};
use super::{Cli, Result};
use crate::sources::{self, Created, Language};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner new greeter --lang ts")]
pub(super) struct Args {
    /// The plugin's name, and the directory to create.
    name: PathBuf,
    /// The language.
    #[arg(long, value_parser = languages())]
    lang: Language,
    /// Write a handler for the jobs of a contract, an interface of the WIT files of
    /// queues.toml: fundify:otp/otp-queue.
    #[arg(long, value_name = "INTERFACE")]
    contract: Option<String>,
}

fn languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::word))
        .map(|word| Language::named(&word).expect("one of the possible values"))
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let config = cli.load_or_default()?.config;
        let contract = self.contract.as_deref();
        let contract = contract.map(|id| (config.runtime.contracts.as_path(), id));
        let created =
            sources::create(&self.name, self.lang, contract).map_err(super::build::exit)?;
        if cli.json {
            output::json(&serde_json::json!({
                "name": created.name,
                "language": self.lang.word(),
                "directory": self.name,
                "files": created.files,
            }));
            return Ok(());
        }
        self.tell(&created);
        Ok(())
    }

    fn tell(&self, created: &Created) {
        let directory = self.name.display();
        let Created { name, job, files } = created;
        output::line([
            good("created"),
            plain(format!("{directory}: {}", self.lang.title())),
        ]);
        for file in files {
            output::line([dim(format!("  {directory}/{}", file.display()))]);
        }
        output::line("\nNext:\n");
        let tools = self.lang.tools(&directory.to_string());
        output::line(format!("  {tools}"));
        output::line(format!("  runner build {directory}"));
        output::line(format!(
            "  runner run {name} @{directory}/job.json --name {job}"
        ));
        output::line(format!("  runner test {directory}/cases.toml"));
        output::line("\nIn queues.toml, for a queue whose jobs it takes:\n");
        output::line(format!("  [queues.{name}]\n  plugin = \"{name}\""));
        if let Some(contract) = &self.contract {
            output::line(format!("  contract = \"{contract}\""));
        }
        output::line(format!(
            "\n  [plugins.{name}]\n  source = \"{directory}\"    # runner dev builds it when it changes"
        ));
    }
}
