//! What a core module lacks to be a command, in words.

use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1;

/// Why a core module is no command, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// WASI before its first version.
    #[error(
        "it was built for the first draft of WASI (wasi_unstable): build it again for \
         wasm32-wasip1, with a toolchain since 2020"
    )]
    Unstable,
    /// WASI with extensions of Wasmer.
    #[error("it was built for WASIX ({0}): build it for plain WASI, wasm32-wasip1")]
    Wasix(String),
    /// It wants JavaScript around it.
    #[error(
        "it was built by Emscripten for JavaScript (it imports {name:?} of {module:?}): link it \
         with `emcc -sSTANDALONE_WASM -o x.wasm`, or build it with wasi-sdk or \
         `zig cc -target wasm32-wasi`"
    )]
    Emscripten {
        /// One of its imports.
        name: String,
        /// Where from.
        module: String,
    },
    /// It wants JavaScript around it.
    #[error(
        "it was built for Go's JavaScript (GOOS=js): build it with GOOS=wasip1 GOARCH=wasm, or \
         use `runner build` for a plugin with a handler"
    )]
    GoJs,
    /// It wants JavaScript around it.
    #[error(
        "it was built by wasm-bindgen for JavaScript: build it for wasm32-wasip1 without \
         wasm-bindgen"
    )]
    Bindgen,
    /// Threads.
    #[error(
        "it needs threads ({0}), which plugins do not have: build it without, for \
         wasm32-wasip1"
    )]
    Threads(String),
    /// Sockets.
    #[error(
        "it needs sockets (it imports {0:?}), which plugins do not have: a program reaches the \
         network as a component with wasi:http, within its grants"
    )]
    Sockets(String),
    /// A 64-bit memory.
    #[error("it has a 64-bit memory (wasm64), which plugins do not have: build it for wasm32")]
    Memory64,
    /// A reactor.
    #[error(
        "it is a library, not a command: it exports `_initialize` and no `_start`. A command has \
         a main function; `runner build` makes a plugin with a handler"
    )]
    Library,
    /// Nothing to start.
    #[error(
        "it is a core module without `_start`, so it is no command; it exports {0}. A command \
         has a main function and is built for wasm32-wasip1; a plugin with a handler is a \
         component, which `runner build` or `wasm-tools component new` makes"
    )]
    NoStart(String),
    /// Nothing to pass data through.
    #[error("it exports no `memory`, which WASI reads and writes")]
    NoMemory,
    /// A function of preview 1 that there is not.
    #[error("it imports {0:?} of {PREVIEW1}, which has no such function")]
    Function(String),
    /// Some other host's import.
    #[error(
        "it imports {name:?} of {module:?}, which only another host has: a command imports \
         nothing but {PREVIEW1}"
    )]
    Import {
        /// Of what.
        name: String,
        /// Where from.
        module: String,
    },
}
