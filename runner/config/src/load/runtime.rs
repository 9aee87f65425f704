//! `[runtime]`

use std::path::PathBuf;

use crate::decode::{Decoder, Table};
use crate::keys::runtime::RUNTIME;
use crate::origins::{Source, join};
use crate::{Overrides, Runtime};

pub(super) fn read(decoder: &mut Decoder<'_>, root: &Table<'_>, overrides: &Overrides) -> Runtime {
    let mut runtime = Runtime {
        cache: default_cache(decoder),
        ..Runtime::default()
    };
    if let Some(table) = decoder.table(root, "runtime", RUNTIME.names()) {
        RUNTIME.read(decoder, &table, &mut runtime);
    }
    RUNTIME.read_env(decoder, "runtime", &mut runtime);
    if let Some(path) = &overrides.plugins {
        decoder.note_flag("runtime.plugins", "--plugins");
        runtime.plugins.clone_from(path);
    }
    if let Some(grace) = overrides.grace {
        decoder.note_flag("runtime.grace", "--grace");
        runtime.grace = grace;
    }
    // The file's paths start at the file, those of the environment and of flags at
    // the working directory.
    for (key, path) in [
        ("plugins", &mut runtime.plugins),
        ("contracts", &mut runtime.contracts),
        ("cache", &mut runtime.cache),
    ] {
        match decoder.origins.of(&join("runtime", key)) {
            Source::Default | Source::File(_) => *path = decoder.dir.join(&*path),
            Source::Env(_) | Source::Flag(_) => {}
        }
    }
    runtime
}

/// `$XDG_CACHE_HOME/runner`, `~/.cache/runner`, or beside the file when there
/// is no home, as in many containers.
fn default_cache(decoder: &Decoder<'_>) -> PathBuf {
    let env = decoder.env;
    match (env.get("XDG_CACHE_HOME"), env.get("HOME")) {
        (Some(cache), _) => PathBuf::from(cache).join("runner"),
        (None, Some(home)) => PathBuf::from(home).join(".cache/runner"),
        (None, None) => PathBuf::from("data/cache"),
    }
}
