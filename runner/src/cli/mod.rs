//! The command line: one file per command.
//!
//! Data goes to stdout; progress, hints and logs go to stderr. Exit codes: 0 ok,
//! 1 the operation failed, 2 usage or configuration, 3 not found, 5 Redis
//! unreachable, 124 a `--timeout` passed.

mod add;
mod check;
mod completions;
mod explain;
mod job;
mod outbox;
mod output;
mod plugin;
mod run;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use crate::app;
use crate::config::{Config, Env, Loaded, Overrides, RedisUrl};
use crate::embedded::Embedded;
use crate::queue::{self, DeadLetters, Queue, Redis, Settings};
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
    /// When to colour; NO_COLOR and CLICOLOR_FORCE are honoured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// How log lines look: text on a terminal, else json.
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Log more: -v debug, -vv trace. RUST_LOG goes before.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Address of Redis, or `embedded`.
    #[arg(long, global = true, value_name = "URL")]
    redis: Option<String>,
    /// Prefix of all keys.
    #[arg(long, global = true, value_name = "PREFIX")]
    prefix: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Consume the queues of queues.toml until SIGTERM.
    Serve(serve::Args),
    /// Serve with an embedded Redis and readable logs, for work on one machine.
    Dev(serve::DevArgs),
    /// Add a job to a queue.
    Add(add::Args),
    /// Run one job through a plugin file, without Redis.
    Run(run::Args),
    /// Check queues.toml and its plugins.
    Check,
    /// Show the settings of a queue, where each comes from, and its retries.
    Explain(explain::Args),
    /// Look at plugins.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Look at jobs.
    #[command(subcommand)]
    Job(job::Command),
    /// Show the HTTP requests that `runner dev --outbox` answered.
    Outbox(outbox::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Why a command did not do its work.
#[derive(Debug)]
struct Exit {
    code: u8,
    message: String,
}

type Result<T = ()> = std::result::Result<T, Exit>;

impl Exit {
    fn failed(message: impl ToString) -> Exit {
        Exit {
            code: 1,
            message: message.to_string(),
        }
    }

    fn usage(message: impl ToString) -> Exit {
        Exit {
            code: 2,
            message: message.to_string(),
        }
    }

    fn not_found(message: impl ToString) -> Exit {
        Exit {
            code: 3,
            message: message.to_string(),
        }
    }

    fn unreachable(message: impl ToString) -> Exit {
        Exit {
            code: 5,
            message: message.to_string(),
        }
    }

    fn timeout(message: impl ToString) -> Exit {
        Exit {
            code: 124,
            message: message.to_string(),
        }
    }
}

/// Parse the arguments, do what they say, and end with its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            if !exit.message.is_empty() {
                output::error(&exit.message);
            }
            ExitCode::from(exit.code)
        }
    }
}

impl Cli {
    fn run(self) -> Result {
        let quiet = !matches!(self.command, Command::Serve(_) | Command::Dev(_));
        self.init_logging(quiet)?;
        match &self.command {
            Command::Serve(args) => args.run(&self),
            Command::Dev(args) => args.run(&self),
            Command::Add(args) => args.run(&self),
            Command::Run(args) => args.run(&self),
            Command::Check => check::run(&self),
            Command::Explain(args) => args.run(&self),
            Command::Plugin(command) => command.run(&self),
            Command::Job(command) => command.run(&self),
            Command::Outbox(args) => args.run(&self),
            Command::Completions(args) => args.run(),
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
            .map_err(|problems| Exit::usage(problems.render(output::colour())))
    }

    /// [`Cli::load`] for commands that work on a plugin's file: where there is
    /// no `queues.toml` and none was named, the defaults are in force.
    fn load_or_default(&self) -> Result<Loaded> {
        let file = Path::new(CONFIG);
        if self.config != file || file.exists() {
            return self.load();
        }
        Config::parse(file, "", &self.overrides(), &Env::of_process())
            .map_err(|problems| Exit::usage(problems.render(output::colour())))
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

impl From<app::Error> for Exit {
    fn from(error: app::Error) -> Exit {
        match error {
            app::Error::Config(problems) => Exit::usage(problems.render(output::colour())),
            other => Exit::failed(other),
        }
    }
}

impl From<queue::Error> for Exit {
    fn from(error: queue::Error) -> Exit {
        match error {
            queue::Error::Url(_) | queue::Error::Invalid(_) => Exit::usage(error),
            queue::Error::Unreachable { .. } => Exit::unreachable(format!(
                "{error}; start it, or name another with --redis or [redis] url"
            )),
            queue::Error::Unready { .. } => Exit::unreachable(error),
            other => Exit::failed(other),
        }
    }
}

/// Refuse a queue that is not in queues.toml.
fn declared<'a>(loaded: &'a Loaded, name: &str) -> Result<&'a crate::config::Queue> {
    let queues = &loaded.config.queues;
    queues.get(name).map(|queue| &**queue).ok_or_else(|| {
        let names: Vec<&str> = queues.keys().map(String::as_str).collect();
        let near = names
            .iter()
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        Exit::not_found(match near {
            Some((_, known)) => {
                format!("queue {name:?} is not declared in queues.toml; did you mean {known:?}?")
            }
            None => format!(
                "queue {name:?} is not declared in queues.toml; declared are {}",
                names.join(", ")
            ),
        })
    })
}

/// A declared queue over a connection of this command's own.
///
/// `runner dev` puts its embedded Redis before the file's URL, so commands beside
/// it do the same while that Redis runs; `--redis` goes before both.
async fn connect(cli: &Cli, loaded: &Loaded, name: &str) -> Result<Queue> {
    let queue = declared(loaded, name)?;
    let config = &loaded.config;
    let url = match &config.redis.url {
        RedisUrl::Embedded(dir) => Embedded::find(dir).await.map_err(Exit::unreachable)?.url(),
        RedisUrl::Url(url) if cli.redis.is_some() => url.clone(),
        RedisUrl::Url(url) => match Embedded::find(&cli.data().join("redis")).await {
            Ok(dev) => dev.url(),
            Err(_) => url.clone(),
        },
    };
    let redis = Redis::new(&url, &config.redis.prefix)?;
    redis.ping().await?;
    let settings = Settings {
        name: queue.name.clone(),
        runner: format!("cli-{}", std::process::id()),
        lock: config.runtime.lock,
        max_stalled: config.runtime.max_stalled,
        stalled_interval: config.runtime.stalled_interval,
        limiter: queue.limiter,
        max_logs: queue.base.max_logs,
        defaults: queue.defaults.clone(),
        metrics: queue.metrics,
        dead_letters: DeadLetters::of(queue),
    };
    Ok(Queue::new(redis, settings))
}

/// Run a command's asynchronous part.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Exit::failed)?
        .block_on(future)
}
