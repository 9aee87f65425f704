//! `runner build`: from source to the file that `runner serve` loads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::output::{self, dim, good, plain, warn};
use super::{Cli, Exit, Result};
use crate::app::{Builder, Report, Target, Unbuilt, build};
use crate::config::{Config, Env, Plugin};
use crate::host::{Host, Http};
use crate::plugin;
use crate::sources::{self, Engine, Project, Tools};
use crate::units;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runner build greeter --watch")]
pub(super) struct Args {
    /// Directories of projects [default: all plugins of queues.toml that have a source,
    /// or else this directory].
    #[arg(value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// Build again whenever a source changes, until interrupted.
    #[arg(long)]
    watch: bool,
    /// The directory for the components [default: the plugins of queues.toml].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The engine of JavaScript [default: engine of plugin.toml].
    #[arg(long, value_parser = engines())]
    engine: Option<Engine>,
}

fn engines() -> impl TypedValueParser<Value = Engine> {
    PossibleValuesParser::new(Engine::WORDS)
        .map(|word| Engine::named(&word).expect("one of the possible values"))
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        let config = cli.load_or_default()?.config;
        let targets = self.targets(&config)?;
        let tools = Tools::new(&Env::of_process());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Exit::failed)?;
        let (engine, _) = plugin::engine()?;
        let http = Http::new(runtime.handle().clone());
        let host = Host::new(engine, http, config.runtime.scratch()).map_err(Exit::failed)?;
        match self.watch {
            true => runtime.block_on(watch(cli.json, targets, tools, host)),
            false => once(cli.json, &targets, &tools, &host),
        }
    }

    fn targets(&self, config: &Config) -> Result<Vec<Target>> {
        let mut targets = match self.directories.as_slice() {
            [] => Target::all(config),
            named => named
                .iter()
                .map(|directory| target(config, directory))
                .collect::<Result<_>>()?,
        };
        if targets.is_empty() {
            let here = Path::new(".");
            if !Project::is_in(here) {
                return Err(Exit::usage(
                    "there is nothing to build: name the directory of a project, or write its \
                     source = \"DIR\" into [plugins.<name>] of queues.toml",
                ));
            }
            targets.push(target(config, here)?);
        }
        for target in &mut targets {
            target.engine = self.engine;
            if let Some(out) = &self.out {
                target.plugin.file = out.join(format!("{}.wasm", target.plugin.name));
            }
        }
        Ok(targets)
    }
}

/// A directory as the plugin of queues.toml that has it as its source, or under its own
/// name.
fn target(config: &Config, directory: &Path) -> Result<Target> {
    let project = Project::open(directory).map_err(exit)?;
    let real = |path: &Path| path.canonicalize().ok();
    let is_its = |plugin: &&Arc<Plugin>| {
        let source = plugin.source.as_deref();
        source.is_some_and(|source| real(source).as_ref() == Some(&project.directory))
    };
    let mut plugins = config.plugins.values();
    let known = plugins
        .find(is_its)
        .or_else(|| config.plugins.get(&project.name));
    let plugin = match known {
        Some(plugin) => (**plugin).clone(),
        None => super::plugin::unnamed(config, &project.name),
    };
    Ok(Target {
        source: directory.to_owned(),
        plugin,
        engine: None,
    })
}

fn once(as_json: bool, targets: &[Target], tools: &Tools, host: &Host) -> Result {
    let mut rows = Vec::new();
    let mut failed = Ok(());
    for target in targets {
        let built = build(target, tools, host);
        match as_json {
            true => rows.push(row(target, &built)),
            false => tell(target, &built),
        }
        if let Err(error) = built {
            let exit = unbuilt(&error);
            let message = match (as_json, targets.len()) {
                (true, _) => String::new(),
                (false, 1) => exit.message,
                (false, _) => format!("{}: {}", target.plugin.name, exit.message),
            };
            let told = std::mem::replace(&mut failed, Err(Exit { message, ..exit }));
            if let Err(Exit { message, .. }) = told
                && !as_json
            {
                output::error(&message);
            }
        }
    }
    if as_json {
        output::json(&Value::from(rows));
    }
    failed
}

/// Build all of them, and each again when it changes.
async fn watch(as_json: bool, targets: Vec<Target>, tools: Tools, host: Host) -> Result {
    let told = move |target: &Target, built: std::result::Result<Report, Unbuilt>| match &built {
        _ if as_json => output::json(&row(target, &built)),
        Ok(_) => tell(target, &built),
        Err(error) => output::error(&format!("{}: {error}", target.plugin.name)),
    };
    let builder = Builder::start(tools, Arc::new(host), told).map_err(Exit::failed)?;
    builder.set(targets, |_| true);
    tokio::signal::ctrl_c().await.map_err(Exit::failed)
}

fn tell(target: &Target, built: &std::result::Result<Report, Unbuilt>) {
    let Ok(report) = built else {
        return;
    };
    let Target { plugin, .. } = target;
    output::line([
        good("built"),
        plain(format!(
            "{}: {}, {} in {} s, {}",
            plugin.name,
            report.language.title(),
            units::rough_size(report.size),
            (report.took.as_millis() as f64 / 100.0).round() / 10.0,
            plugin.file.display()
        )),
    ]);
    if let Some(engine) = &report.engine {
        output::line([dim("  engine"), plain(engine)]);
    }
    for (key, example, import) in &report.needs {
        output::line([
            dim("  may need"),
            plain(format!("{key} = {example}")),
            dim(format!("in [plugins.{}]: it imports {import}", plugin.name)),
        ]);
    }
    for warning in &report.warnings {
        output::say([warn("warning:"), plain(warning)]);
    }
}

fn row(target: &Target, built: &std::result::Result<Report, Unbuilt>) -> Value {
    let name = &target.plugin.name;
    match built {
        Ok(report) => json!({
            "plugin": name,
            "source": target.source,
            "language": report.language.word(),
            "file": target.plugin.file,
            "size": report.size,
            "ms": report.took.as_millis() as u64,
            "engine": report.engine,
            "needs": report.needs.iter().map(|(key, _, import)| json!({ "key": key, "import": import })).collect::<Vec<_>>(),
            "warnings": report.warnings,
        }),
        Err(error) => {
            json!({ "plugin": name, "source": target.source, "error": error.to_string() })
        }
    }
}

fn unbuilt(error: &Unbuilt) -> Exit {
    match error {
        Unbuilt::Source(sources::Error::Wrong(text)) => Exit::usage(text),
        error => Exit::failed(error),
    }
}

/// What is wrong with a project is wrong usage; what fails in it is not.
pub(super) fn exit(error: sources::Error) -> Exit {
    unbuilt(&error.into())
}
