//! Write Runner plugins in Rust.

/// Generated from `wit/runner`.
#[allow(
    missing_docs,
    unsafe_code,
    reason = "generated; the documentation is in wit/runner"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/runner",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "runner_sdk::bindings",
    });
}
