//! The command line: one file per command, one folder per group of commands.
//! `main.rs` alone calls it. A command parses, asks and prints; what it does to a
//! queue, a plugin or a schedule is done by their own modules.
//!
//! Beside the commands: `args` (values of arguments), `target` (from a name to a
//! queue in Redis), `trial` (jobs without Redis), `terminal` and `exit`.
//!
//! Data goes to stdout; progress, hints and logs go to stderr. Exit codes: 0 ok,
//! 1 the operation failed, 2 usage or configuration, 3 not found, 4 a server refuses the
//! token, 5 Redis or the server
//! unreachable, 124 a `--timeout` passed.

mod add;
mod api;
mod args;
mod audit;
mod build;
mod check;
mod completions;
mod contract;
mod dev;
mod dlq;
mod doctor;
mod exit;
mod explain;
mod host;
mod job;
mod new;
mod outbox;
mod plugin;
mod queue;
mod remote;
mod routes;
mod run;
mod schedule;
mod serve;
mod target;
mod terminal;
mod test;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use self::exit::{Exit, Result};
use self::terminal::output;
use crate::config::{Config, Env, Loaded, Overrides};
use crate::plugin::compile as plugin_compile;
use crate::telemetry::{self, LogFormat};

/// The configuration file when none is named.
const CONFIG: &str = "queues.toml";

/// Run BullMQ jobs in sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(
    name = "runner",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    /// The configuration file.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "RUNNER_CONFIG",
        default_value = CONFIG
    )]
    config: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// When to colour the output. Auto honours NO_COLOR, CLICOLOR and CLICOLOR_FORCE.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// Format of log lines [default: text on a terminal, otherwise json].
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Log more: -v for debug, -vv for trace. RUST_LOG overrides it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// URL of Redis, or `embedded` [default: url of [redis] in the file].
    #[arg(long, global = true, value_name = "URL")]
    redis: Option<String>,
    /// Prefix of all keys [default: prefix of [redis] in the file].
    #[arg(long, global = true, value_name = "PREFIX")]
    prefix: Option<String>,
    #[command(flatten)]
    remote: remote::Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Consume the queues of queues.toml until SIGTERM.
    Serve(serve::Args),
    /// Serve with an embedded Redis and readable logs, for local development.
    Dev(dev::Args),
    /// Add a job to a queue.
    Add(add::Args),
    /// Create the project of a plugin: Rust, TypeScript, JavaScript, Python, Go or C.
    New(new::Args),
    /// Build plugins from source into the plugins directory.
    Build(build::Args),
    /// Run one job through a plugin file, without Redis.
    Run(run::Args),
    /// Run test cases for plugins, without Redis or the network.
    Test(test::Args),
    /// Check queues.toml and its plugins.
    Check(check::Args),
    /// Say what is wrong with the system, Redis, plugins and queues, and what to do.
    Doctor(doctor::Args),
    /// Show the settings of a queue, where each one is set, and when it retries.
    Explain(explain::Args),
    /// List the requests that become jobs: [[routes]] of queues.toml.
    Routes(routes::Args),
    /// Show the contract of a queue, or export it for other tools and languages.
    #[command(subcommand)]
    Contract(contract::Command),
    /// Inspect plugins.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Inspect and manage queues.
    #[command(subcommand)]
    Queue(queue::Command),
    /// Inspect and manage jobs.
    #[command(subcommand)]
    Job(job::Command),
    /// Inspect, replay and purge jobs that failed for good.
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Inspect and manage job schedulers.
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Show who works on the queues.
    #[command(subcommand)]
    Host(host::Command),
    /// Make tokens and hashes of passwords for the HTTP API.
    #[command(subcommand)]
    Api(api::Command),
    /// Show who has changed what through the HTTP API.
    Audit(audit::Args),
    /// Show the HTTP requests that `runner dev --outbox` answered.
    Outbox(outbox::Args),
    /// Print a shell completion script.
    Completions(completions::Args),
    /// Compile a plugin, for another runner.
    #[command(name = plugin_compile::COMMAND, hide = true)]
    CompilePlugin(plugin_compile::Orders),
}

impl Command {
    /// What works on this machine only, and why.
    fn local(&self) -> Option<(&'static str, &'static str)> {
        let project = "it works on the files of this machine";
        let engine = "it runs plugins in its own process";
        Some(match self {
            Command::Serve(_) => ("serve", "it is the server"),
            Command::Dev(_) => ("dev", "it is the server"),
            Command::New(_) => ("new", project),
            Command::Build(_) => ("build", project),
            Command::Check(_) => ("check", project),
            Command::Explain(_) => ("explain", project),
            Command::Contract(_) => ("contract", project),
            Command::Outbox(_) => ("outbox", project),
            Command::Run(_) => ("run", engine),
            Command::Test(_) => ("test", engine),
            _ => return None,
        })
    }
}

/// Parse the arguments, do what they say, and end with its exit code.
pub fn main() -> ExitCode {
    forget_no_force();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            output::report(&error.render().ansi().to_string());
            return ExitCode::from(2);
        }
        // Help and version are our own words. A closed pipe is no error.
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    match cli.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            match exit.message.as_str() {
                "" => {}
                report if exit.report => output::report(report),
                message => output::error(message),
            }
            ExitCode::from(exit.code)
        }
    }
}

/// `CLICOLOR_FORCE=0` forces nothing (bixense.com/clicolors). To what prints help and
/// messages for us any value does.
#[expect(clippy::disallowed_methods, reason = "read before the configuration")]
fn forget_no_force() {
    const FORCE: &str = "CLICOLOR_FORCE";
    if std::env::var_os(FORCE).is_some_and(|value| value == "0") {
        #[expect(unsafe_code, reason = "no other thread runs yet")]
        unsafe {
            std::env::remove_var(FORCE);
        }
    }
}

impl Cli {
    fn run(self) -> Result {
        let quiet = !matches!(self.command, Command::Serve(_) | Command::Dev(_));
        self.init_logging(quiet)?;
        if let Some((command, why)) = self.command.local() {
            remote::refuse(&self, command, why)?;
        }
        match &self.command {
            Command::Serve(args) => args.run(&self),
            Command::Dev(args) => args.run(&self),
            Command::Add(args) => args.run(&self),
            Command::New(args) => args.run(&self),
            Command::Build(args) => args.run(&self),
            Command::Run(args) => args.run(&self),
            Command::Check(args) => args.run(&self),
            Command::Doctor(args) => args.run(&self),
            Command::Test(args) => args.run(&self),
            Command::Explain(args) => args.run(&self),
            Command::Routes(args) => args.run(&self),
            Command::Contract(command) => command.run(&self),
            Command::Plugin(command) => command.run(&self),
            Command::Queue(command) => command.run(&self),
            Command::Job(command) => command.run(&self),
            Command::Dlq(command) => command.run(&self),
            Command::Schedule(command) => command.run(&self),
            Command::Host(command) => command.run(&self),
            Command::Api(command) => command.run(&self),
            Command::Audit(args) => args.run(&self),
            Command::Outbox(args) => args.run(&self),
            Command::Completions(args) => args.run(),
            Command::CompilePlugin(orders) => match orders.run() {
                true => Ok(()),
                false => Err(Exit::failed("")),
            },
        }
    }

    /// Servers tell what they do; commands tell only what goes wrong.
    fn init_logging(&self, quiet: bool) -> Result {
        let default = match (self.verbose, quiet) {
            (0, true) => "off",
            (0, false) => "warn,runner=info",
            (1, _) => "info,runner=debug",
            _ => "debug,runner=trace",
        };
        #[expect(clippy::disallowed_methods, reason = "read before the configuration")]
        let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| default.to_owned());
        let format = match self.command {
            Command::Dev(_) => self.log_format.or(Some(LogFormat::Text)),
            _ => self.log_format,
        };
        telemetry::init(&filter, format).map_err(Exit::usage)
    }

    /// Read and check the configuration; all its mistakes in one message.
    fn load(&self) -> Result<Loaded> {
        Config::load(&self.config, &self.overrides(), &Env::of_process())
            .map_err(|problems| Exit::config(&problems))
    }

    /// [`Cli::load`] for commands that need nothing declared: where there is no
    /// `queues.toml` and none was named, the defaults are in force.
    fn load_or_default(&self) -> Result<Loaded> {
        self.load_with(&self.overrides())
    }

    /// [`Cli::load_or_default`] to try a plugin: what a grant needs and this machine has
    /// not gets a stand-in.
    fn load_for_trial(&self) -> Result<Loaded> {
        let overrides = Overrides {
            dev: true,
            ..self.overrides()
        };
        self.load_with(&overrides)
    }

    fn load_with(&self, overrides: &Overrides) -> Result<Loaded> {
        let (file, env) = (Path::new(CONFIG), Env::of_process());
        let loaded = match self.config != file || file.exists() {
            true => Config::load(&self.config, overrides, &env),
            false => Config::parse(file, "", overrides, &env),
        };
        loaded.map_err(|problems| Exit::config(&problems))
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            redis_url: self.redis.clone(),
            redis_prefix: self.prefix.clone(),
            ..Overrides::default()
        }
    }

    /// Where the embedded Redis and the outbox keep their files: `data` beside
    /// the configuration.
    fn data(&self) -> PathBuf {
        self.config.with_file_name("data")
    }
}

/// Run a command's asynchronous part. What blocks a thread by then is not waited
/// for.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Exit::failed)?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    result
}
