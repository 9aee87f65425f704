//! `runner plugin inspect`: one plugin in full.

use serde_json::json;

use crate::cli::{Cli, Exit, Result, output};
use crate::units;

pub(super) fn run(cli: &Cli, plugin: &str) -> Result {
    let loaded = cli.load_or_default()?;
    let (name, file) = match loaded.config.plugins.get(plugin) {
        Some(known) => (plugin.to_owned(), known.file.clone()),
        None => super::named(plugin)?,
    };
    let (mut plugins, _) = super::load(&super::only(&loaded.config, &file, &name))?;
    let status = plugins.pop();
    let status = status.expect("one plugin was configured");
    let Some(serving) = status.serving else {
        let why = status
            .refusal
            .map(|refusal| refusal.to_string())
            .unwrap_or_default();
        return Err(Exit::failed(format!("{}: {why}", file.display())));
    };
    let grants = &serving.grants.plugin;
    let hosts: Vec<String> = grants.http.iter().map(ToString::to_string).collect();
    let secrets: Vec<&String> = grants.secrets.keys().collect();
    if cli.json {
        output::json(&json!({
            "name": name,
            "file": file,
            "digest": serving.digest,
            "size": serving.size,
            "loadMs": serving.took.as_millis() as u64,
            "cached": serving.cached,
            "imports": serving.doors.shape.imports,
            "exports": serving.doors.shape.exports,
            "grants": { "http": hosts, "secrets": secrets, "config": grants.config, "dirs": grants.dirs },
        }));
        return Ok(());
    }
    let show = |name: &str, value: &str| output::wide_field(8, name, value);
    show("plugin", &serving.version);
    show("file", &file.display().to_string());
    show("sha-256", &serving.digest);
    show("size", &units::rough_size(serving.size));
    let how = if serving.cached {
        "from the cache"
    } else {
        "compiled"
    };
    show(
        "loaded",
        &format!("in {} ms, {how}", serving.took.as_millis()),
    );
    serving
        .doors
        .shape
        .exports
        .iter()
        .for_each(|name| show("export", name));
    serving
        .doors
        .shape
        .imports
        .iter()
        .for_each(|name| show("import", name));
    hosts.iter().for_each(|host| show("http", host));
    secrets.iter().for_each(|secret| show("secret", secret));
    for (guest, host) in &grants.dirs {
        show("dir", &format!("{guest} is {}, read-only", host.display()));
    }
    Ok(())
}
