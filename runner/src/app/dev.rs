//! What `runner dev` does besides serving: it builds the plugins that have a source.
//!
//! For the application. Knows which builds the configuration in force wants, and who
//! hears of them.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::build::{Report, Target, Unbuilt};
use super::builder::Builder;
use super::{Error, Start, off_thread};
use crate::config::{Config, Env};
use crate::host::Host;
use crate::plugin::Plugins;
use crate::sources::Tools;

/// Begin to build what has a source, if that is wanted. What was never built is built
/// before this returns: there is nothing to serve with.
pub(super) async fn start(
    start: &Start,
    host: &Arc<Host>,
    plugins: &Arc<Plugins>,
    config: &Config,
) -> Result<Option<Builder>, Error> {
    if !start.build {
        return Ok(None);
    }
    let tools = Tools::new(&Env::of_process());
    let weak = Arc::downgrade(plugins);
    let told = move |target: &Target, built: Result<Report, Unbuilt>| {
        // It ends only with the application.
        if let Some(plugins) = weak.upgrade() {
            tell(&plugins, target, built);
        }
    };
    let builder = Builder::start(tools, host.clone(), told);
    let builder = builder.map_err(Error::system("sources cannot be watched"))?;
    let targets = Target::all(config);
    let begun = move || {
        builder.set(targets, Target::is_stale);
        builder.wait(|target| !target.plugin.file.exists());
        builder
    };
    Ok(Some(off_thread(begun).await))
}

/// Say how a build ended, and have what it made loaded at once.
fn tell(plugins: &Arc<Plugins>, target: &Target, built: Result<Report, Unbuilt>) {
    let plugin = target.plugin.name.as_str();
    match built {
        Ok(report) => {
            let language = report.language.title();
            let ms = report.took.as_millis() as u64;
            tracing::info!(plugin, language, engine = report.engine, ms, "plugin built");
            for warning in report.warnings {
                tracing::warn!(plugin, "{warning}");
            }
            plugins.load(plugin);
        }
        Err(error) => {
            let serving = plugins.get(plugin);
            let serving = serving.as_ref().map(|plugin| &*plugin.version);
            tracing::error!(plugin, serving, "plugin not built: {error}");
        }
    }
}

/// Go on building what the configuration in force names.
pub(super) fn keep(builder: Builder, mut config: watch::Receiver<Arc<Config>>) -> AbortHandle {
    let builder = Arc::new(builder);
    let kept = async move {
        while config.changed().await.is_ok() {
            let targets = Target::all(&config.borrow_and_update());
            let builder = builder.clone();
            off_thread(move || builder.set(targets, Target::is_stale)).await;
        }
    };
    tokio::spawn(kept).abort_handle()
}
