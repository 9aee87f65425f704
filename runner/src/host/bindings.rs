//! Generated from `wit/runner`: the host side of the plugin world.
#![allow(missing_docs, reason = "generated; the documentation is in wit/runner")]

wasmtime::component::bindgen!({
    path: "../wit/runner",
    world: "plugin",
    imports: { default: async },
    exports: { default: async },
});
