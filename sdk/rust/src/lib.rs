//! Write Runner plugins in Rust.
//!
//! A plugin is a function from a [`Job`] to a result or a [`Failure`], exported
//! with [`handler!`]:
//!
//! ```
//! use runner_sdk::prelude::*;
//!
//! #[derive(serde::Deserialize)]
//! struct Greeting {
//!     name: String,
//! }
//!
//! fn greet(job: Job) -> Result<String> {
//!     let greeting: Greeting = job.data()?;
//!     log::info!(attempt = job.attempt, "greeting {}", greeting.name);
//!     Ok(format!("hello, {}", greeting.name))
//! }
//!
//! runner_sdk::handler!(greet);
//! # fn main() {}
//! ```
//!
//! The modules follow the host's interfaces: [`http`], [`sql`], [`kv`], [`blobs`],
//! [`queue`], [`config`], [`checkpoint`], [`progress`], [`log`]. Compiled for the machine you sit at,
//! they talk to a [`testing::Host`], so that plugins are tested with plain
//! `cargo test`. `docs/plugins-rust.md` goes from `runner new` to a running
//! plugin.

/// Generated from `wit/runner`.
#[allow(
    missing_docs,
    unsafe_code,
    reason = "generated; the documentation is in wit/runner"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/runner",
        inline: "
            package runner:sdk;

            world plugin {
              include runner:plugin/plugin@0.1.0;
              import runner:plugin/sql@0.1.0;
              import runner:plugin/kv@0.1.0;
              import runner:plugin/blobs@0.1.0;
            }
        ",
        world: "runner:sdk/plugin",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "runner_sdk::bindings",
    });
}

pub mod blobs;
pub mod checkpoint;
pub mod config;
mod failure;
pub mod http;
mod job;
pub mod kv;
pub mod log;
mod pages;
pub mod progress;
pub mod queue;
pub mod sql;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod typed;

#[doc(hidden)]
pub use wit_bindgen;

pub use failure::{Failure, Result, rate_limit, reject, retry, retry_after, snooze, wait_children};
pub use job::{Dependencies, Job, Parent};
use pages::pages;

/// Milliseconds; what is beyond 584 million years is as good as that.
fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What most handlers use: `use runner_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Failure, Job, Result, blobs, checkpoint, config, http, kv, log, progress, queue,
        rate_limit, reject, retry, retry_after, snooze, sql, wait_children,
    };
}

/// The host's functions: the real imports in a component, [`testing::Host`]
/// everywhere else. This is the only place that tells the two apart.
mod host {
    #[cfg(target_arch = "wasm32")]
    pub(crate) use crate::bindings::runner::plugin::{
        blobs, checkpoint, config, http, job, kv, log, progress, queue, sql,
    };
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) use crate::testing::imports::{
        blobs, checkpoint, config, http, job, kv, log, progress, queue, sql,
    };
}

/// Export a function as the plugin's handler.
///
/// The function takes a [`Job`] and returns a [`Result`] of anything that
/// `serde` can write; `()` becomes `null`.
///
/// ```
/// # use runner_sdk::prelude::*;
/// fn handle(_: Job) -> Result {
///     Ok(())
/// }
///
/// runner_sdk::handler!(handle);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! handler {
    ($function:path) => {
        #[allow(unsafe_code, reason = "generated: the export of the component")]
        const _: () = {
            struct Plugin;

            impl $crate::bindings::exports::runner::plugin::handler::Guest for Plugin {
                fn handle(
                    job: $crate::bindings::runner::plugin::job::Job,
                ) -> ::core::result::Result<
                    ::core::option::Option<::std::string::String>,
                    $crate::bindings::runner::plugin::outcome::Failure,
                > {
                    $crate::__handle($function, job)
                }
            }

            $crate::export!(Plugin);
        };
    };
}

/// Export a type that implements the generated trait of the handler, for plugins
/// that want the payload and the failures as they are on the wire.
#[macro_export]
macro_rules! export {
    ($plugin:ident) => {
        // Only linkers for Wasm take the names of the exports.
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export!($plugin with_types_in $crate::bindings);
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            let _ = <$plugin as $crate::bindings::exports::runner::plugin::handler::Guest>::handle;
        };
    };
}

/// The body of the function that [`handler!`] exports.
#[doc(hidden)]
pub fn __handle<T: serde::Serialize>(
    function: impl FnOnce(Job) -> Result<T>,
    job: bindings::runner::plugin::job::Job,
) -> Result<Option<String>, bindings::runner::plugin::outcome::Failure> {
    let result = function(Job::from(job))?;
    let json = serde_json::to_string(&result)
        .map_err(|error| reject(format!("the result cannot be written as JSON: {error}")))?;
    Ok(Some(json))
}

/// Compiles the code of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins-rust.md")]
struct Guide;

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
