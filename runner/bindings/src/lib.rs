//! Generated from `wit/runner`: the host side of the plugin world.
#![allow(missing_docs, reason = "generated; the documentation is in wit/runner")]

wasmtime::component::bindgen!({
    path: "../../wit/runner",
    world: "plugin",
    imports: { default: async },
    exports: { default: async },
});

/// The interface by which the world takes jobs of any kind.
pub const HANDLER: &str = "runner:plugin/handler@0.1.0";

/// The way into a plugin with typed functions; see the crate `runner-contract`.
pub mod door {
    wasmtime::component::bindgen!({
        inline: "
            package runner:door;
            world door {
                export call: func(function: u32, image: list<u8>) -> list<u8>;
            }
        ",
        exports: { default: async },
    });
}
