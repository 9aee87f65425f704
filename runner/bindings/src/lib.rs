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

/// The way into a command: a program that is run.
pub mod command {
    wasmtime::component::bindgen!({
        inline: "
            package wasi:cli@0.2.12;
            interface run {
                run: func() -> result;
            }
            world command {
                export run;
            }
        ",
        exports: { default: async },
    });
}

/// What a program of WASI preview 1 needs of the host beside WASI.
pub mod program {
    wasmtime::component::bindgen!({
        path: "program",
        imports: { default: trappable },
    });

    /// The interface, for those who put it into a component.
    pub const INTERFACE: &str = "runner:command/program";
    /// Its function in the place of `proc_exit`.
    pub const EXIT: &str = "exit";
    /// Its function for the limit of memory.
    pub const MEMORY: &str = "memory";
    /// Its world.
    pub const WORLD: &str = "programs";
    /// All of it.
    pub const WIT: &str = include_str!("../program/program.wit");
}
