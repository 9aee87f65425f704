//! `runner serve`: consume the queues until SIGTERM.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output::{self, dim, good, plain, warn};
use super::{Cli, Exit, Result, trial};
use crate::app::{App, Start};
use crate::config::Overrides;
use crate::plugin::Status;
use crate::units;

#[derive(Debug, clap::Args)]
// `dev` has these too, beside its own `Args`: clap's groups need names of their own.
#[group(skip)]
pub(super) struct Args {
    /// Directory of the plugins [default: plugins of [runtime] in the file].
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// How many jobs each queue runs at once, whatever the file says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// How long running jobs get to finish after SIGTERM (30s, 5m).
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
    /// Serve the HTTP API at this address (127.0.0.1:3000, unix:/run/runner.sock).
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

impl Args {
    pub(super) fn run(&self, cli: &Cli) -> Result {
        serve(cli, self.overrides(cli), false, false)
    }

    pub(super) fn overrides(&self, cli: &Cli) -> Overrides {
        Overrides {
            plugins: self.plugins.clone(),
            concurrency: self.concurrency,
            grace: self.grace,
            listen: self.listen.clone(),
            ..cli.overrides()
        }
    }
}

/// Threads for plugins' HTTP: one stays free when the other is busy with a
/// handshake.
const NETWORK_THREADS: usize = 2;

/// Serve until a signal, and drain.
pub(super) fn serve(cli: &Cli, overrides: Overrides, outbox: bool, build: bool) -> Result {
    let network = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(NETWORK_THREADS)
        .thread_name("runner-network")
        .enable_all()
        .build()
        .map_err(Exit::failed)?;
    let start = Start {
        file: cli.config.clone(),
        overrides,
        outbox: outbox.then(|| cli.data()),
        build,
        network: network.handle().clone(),
    };
    // Queues run on this one thread: handing a job from one thread to another
    // costs more than what there is to do.
    let served = super::block_on(run(start));
    // A name that a plugin looks up takes as long as it takes; nobody waits.
    network.shutdown_background();
    served
}

async fn run(start: Start) -> Result {
    let mut stop = Stop::listen()?;
    let app = tokio::select! {
        app = App::start(start) => app?,
        () = stop.asked() => return Ok(()),
    };
    let shown = async {
        // What loads longer is shown as loading.
        let _ = tokio::time::timeout(BANNER, app.loaded()).await;
        banner(&app);
        app.ready().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = shown => {}
        () = stop.asked() => {}
    }
    let grace = app.config().runtime.grace;
    tracing::info!(
        grace = units::duration(grace),
        "stopping: no new jobs, running ones may finish"
    );
    app.drain(grace, stop.asked()).await;
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM and SIGINT.
struct Stop {
    term: Signal,
    int: Signal,
}

impl Stop {
    fn listen() -> Result<Stop> {
        Ok(Stop {
            term: signal(SignalKind::terminate()).map_err(Exit::failed)?,
            int: signal(SignalKind::interrupt()).map_err(Exit::failed)?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// How long the banner waits for plugins: what is in the cache is there by then.
const BANNER: Duration = Duration::from_secs(2);

/// What runs, in at most ten lines, for people.
fn banner(app: &App) {
    const ROWS: usize = 5;
    if !output::is_heard() {
        return;
    }
    let plugins = app.plugins().list();
    let config = app.config();
    output::say([
        good("runner"),
        plain(env!("CARGO_PKG_VERSION")),
        dim("on"),
        plain(app.producers().unwrap_or_else(|| app.address().to_owned())),
    ]);
    if let Some(address) = app.listens() {
        output::say([plain("  HTTP API"), dim("at"), plain(address)]);
    }
    let consumed: Vec<_> = config
        .queues
        .values()
        .filter(|queue| queue.is_consumed())
        .collect();
    for queue in consumed.iter().take(ROWS) {
        let plugin = queue.base.plugin.as_deref().unwrap_or_default();
        let missing = |plugin: &&Status| {
            plugin.serving.is_none() && queue.plugins().any(|name| name == plugin.name)
        };
        let state = match plugins.iter().find(missing) {
            None => dim(format!("× {}", queue.concurrency)),
            Some(plugin) if plugin.loading => dim("loading"),
            Some(plugin) => warn(format!("held: {:?} does not serve", plugin.name)),
        };
        output::say([
            plain(format!("  {}", queue.name)),
            dim("→"),
            plain(plugin),
            state,
        ]);
    }
    if consumed.len() > ROWS {
        output::say([dim(format!("  and {} more", consumed.len() - ROWS))]);
    }
    let refused = plugins
        .into_iter()
        .filter(|plugin| plugin.serving.is_none() && !plugin.loading);
    for plugin in refused.take(2) {
        let why = trial::why(&plugin);
        let why = why.lines().next().unwrap_or_default();
        let why = format!("plugin {:?} does not serve: {why}", plugin.name);
        output::say([warn("warning:"), plain(why)]);
    }
    let example = consumed.first().map_or("<queue>", |queue| &queue.name);
    output::hint(&format!("runner add {example} <name> '{{…}}' --wait"));
}
