//! `runner plugin inspect`: one plugin in full.

use serde_json::json;

use crate::cli::{Cli, Result, output, trial};
use crate::config::SCRATCH;
use crate::plugin::Plugin;
use crate::units;

pub(super) fn run(cli: &Cli, plugin: &str) -> Result {
    let config = cli.load_or_default()?.config;
    let (name, file) = super::named(&config, plugin)?;
    let (bench, _) = trial::load(&trial::only(&config, &file, &name))?;
    let serving = bench.plugin(&name)?;
    if !cli.json {
        show(&serving);
        return Ok(());
    }
    let grants = &serving.grants.plugin;
    output::json(&json!({
        "name": name,
        "file": file,
        "digest": serving.digest,
        "size": serving.size,
        "language": serving.made.language,
        "toolchain": serving.made.toolchain,
        "loadMs": serving.took.as_millis() as u64,
        "cached": serving.cached,
        "doors": serving.doors.names(),
        "imports": serving.doors.shape.imports,
        "exports": serving.doors.shape.exports,
        "grants": {
            "http": hosts(&serving),
            "secrets": grants.secrets.keys().collect::<Vec<_>>(),
            "config": grants.config,
            "dirs": grants.dirs,
            "args": grants.args.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "argv0": grants.argv0,
            "stdin": grants.stdin.as_ref().map(ToString::to_string),
            "stdout": grants.stdout.name(),
            "env": grants.env.keys().collect::<Vec<_>>(),
            "scratch": grants.scratch,
        },
    }));
    Ok(())
}

fn show(serving: &Plugin) {
    let show = |name: &str, value: &str| output::wide_field(8, name, value);
    let all = |name: &str, values: &[String]| values.iter().for_each(|value| show(name, value));
    let grants = &serving.grants.plugin;
    show("plugin", &serving.version);
    show("file", &grants.file.display().to_string());
    show("sha-256", &serving.digest);
    show("size", &units::rough_size(serving.size));
    show("made in", &serving.made.to_string());
    let how = match serving.cached {
        true => "from the cache",
        false => "compiled",
    };
    let took = serving.took.as_millis();
    show("loaded", &format!("in {took} ms, {how}"));
    show("door", &serving.doors.names().join(", "));
    all("export", &serving.doors.shape.exports);
    all("import", &serving.doors.shape.imports);
    all("http", &hosts(serving));
    grants.secrets.keys().for_each(|name| show("secret", name));
    for (guest, host) in &grants.dirs {
        let host = host.display();
        show("dir", &format!("{guest} is {host}, read-only"));
    }
    if let Some(bytes) = grants.scratch {
        let size = units::size(bytes as u64);
        show("dir", &format!("{SCRATCH} is of each job, {size}"));
    }
    grants.env.keys().for_each(|name| show("env", name));
    if serving.doors.command.is_some() {
        let name = grants.argv0.as_ref().unwrap_or(&grants.name);
        let args = grants
            .args
            .iter()
            .map(|of| format!(" {:?}", of.to_string()));
        show("called", &format!("{name}{}", args.collect::<String>()));
    }
}

/// The hosts it may send requests to.
fn hosts(serving: &Plugin) -> Vec<String> {
    let hosts = serving.grants.plugin.http.iter();
    hosts.map(ToString::to_string).collect()
}
