//! `runner plugin inspect`: one plugin in full.

use crate::cli::remote::{self, routes};
use crate::cli::{Cli, Result, output, trial};
use crate::config::SCRATCH;
use crate::plugin::Made;
use crate::units;
use crate::verbs::plugins::{self, Inspection};

pub(super) fn run(cli: &Cli, plugin: &str) -> Result {
    let found: Inspection = match remote::server(cli)? {
        Some(server) => crate::cli::block_on(server.ask(routes::plugin(plugin)))?,
        None => {
            let config = cli.load_or_default()?.config;
            let (name, file) = super::named(&config, plugin)?;
            let (bench, _) = trial::load(&trial::only(&config, &file, &name))?;
            let serving = bench.plugin(&name)?;
            plugins::inspect(&serving, plugins::queues(&config, &name), None)
        }
    };
    match cli.json {
        true => output::json(&found),
        false => show(&found),
    }
    Ok(())
}

fn show(found: &Inspection) {
    let show = |name: &str, value: &str| output::wide_field(8, name, value);
    let all = |name: &str, values: &[String]| values.iter().for_each(|value| show(name, value));
    let grants = &found.grants;
    show("plugin", &found.version);
    show("file", &found.file);
    show("sha-256", &found.digest);
    show("size", &units::rough_size(found.size));
    let made = Made {
        language: found.language.clone(),
        toolchain: found.toolchain.clone(),
    };
    show("made in", &made.to_string());
    let how = match found.cached {
        true => "from the cache",
        false => "compiled",
    };
    show("loaded", &format!("in {} ms, {how}", found.load_ms));
    show("door", &found.doors.join(", "));
    all("export", &found.exports);
    all("import", &found.imports);
    all("http", &grants.http);
    all("secret", &grants.secrets);
    for (guest, host) in &grants.dirs {
        show("dir", &format!("{guest} is {host}, read-only"));
    }
    if let Some(bytes) = grants.scratch {
        let size = units::size(bytes);
        show("dir", &format!("{SCRATCH} is of each job, {size}"));
    }
    for (name, database) in &grants.sql {
        show("sql", &format!("{name} is {database}"));
    }
    for (name, store) in &grants.blobs {
        show("blobs", &format!("{name} is {store}"));
    }
    if let Some(kv) = &grants.kv {
        show("kv", kv);
    }
    all("env", &grants.env);
    if found.doors.iter().any(|door| door == "command") {
        let name = grants.argv0.as_ref().unwrap_or(&found.name);
        let args = grants.args.iter().map(|arg| format!(" {arg:?}"));
        show("called", &format!("{name}{}", args.collect::<String>()));
    }
    if let Some(reason) = &found.reason {
        show("refused", reason);
    }
}
