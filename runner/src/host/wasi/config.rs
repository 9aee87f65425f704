//! `wasi:config`, for components that were built on public SDKs: the settings of the
//! plugin, and by their names the secrets it was granted, which those SDKs look for
//! in no other place. A list of all has the settings only: lists are printed.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower};

use crate::host::State;

/// The interface under its present name and its former one.
pub(super) const CONFIG: [&str; 3] = [
    "wasi:config/store@0.2.0-rc.1",
    "wasi:config/store@0.2.0-draft",
    "wasi:config/runtime@0.2.0-draft",
];

/// Why there is no answer. There always is: what a plugin was granted is at hand.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "upstream")]
    #[expect(dead_code, reason = "the interface has it")]
    Upstream(String),
    #[component(name = "io")]
    #[expect(dead_code, reason = "the interface has it")]
    Io(String),
}

/// Offer it.
pub(in crate::host) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    type Store<'a> = StoreContextMut<'a, State>;
    for name in CONFIG {
        let mut config = linker.instance(name)?;
        config.func_wrap("get", |store: Store<'_>, (key,): (String,)| {
            let found = store.data().setting(&key).map(str::to_owned);
            Ok((Ok::<_, Error>(found),))
        })?;
        config.func_wrap("get-all", |store: Store<'_>, (): ()| {
            Ok((Ok::<_, Error>(store.data().all_settings()),))
        })?;
    }
    Ok(())
}

impl State {
    fn setting(&self, key: &str) -> Option<&str> {
        let plugin = &self.plugin;
        let secret = || plugin.secrets.get(key).map(|secret| &secret.0);
        plugin.config.get(key).or_else(secret).map(String::as_str)
    }

    /// The settings under `config`, sorted by name.
    pub(in crate::host) fn all_settings(&self) -> Vec<(String, String)> {
        let settings = self.plugin.config.iter();
        settings
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}
