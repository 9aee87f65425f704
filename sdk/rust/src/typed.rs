//! Typed handlers: the functions of a WIT interface.

use std::error::Error;

use crate::bindings::runner::plugin::outcome;

/// A [`crate::Failure`] as the functions of a contract return it. Any error converts
/// into it with `?`, and so does what [`crate::reject`] and its siblings return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Transient: spends an attempt and waits for the job's own backoff.
    Retry(String),
    /// Like `Retry`, after this many milliseconds.
    RetryAfter((u64, String)),
    /// Permanent: the job fails at once, whatever attempts are left.
    Reject(String),
    /// Not now: again after this many milliseconds, without spending an attempt.
    Snooze((u64, String)),
    /// The job continues when its children are done.
    WaitChildren,
    /// No job of the queue starts for this many milliseconds.
    RateLimit((u64, String)),
}

impl Failure {
    /// Why, without what follows from it.
    pub fn reason(&self) -> &str {
        match self {
            Failure::Retry(reason)
            | Failure::RetryAfter((_, reason))
            | Failure::Reject(reason)
            | Failure::Snooze((_, reason))
            | Failure::RateLimit((_, reason)) => reason,
            Failure::WaitChildren => "the children are not done",
        }
    }
}

impl From<crate::Failure> for Failure {
    fn from(failure: crate::Failure) -> Failure {
        match outcome::Failure::from(failure) {
            outcome::Failure::Retry(reason) => Failure::Retry(reason),
            outcome::Failure::RetryAfter(of) => Failure::RetryAfter(of),
            outcome::Failure::Reject(reason) => Failure::Reject(reason),
            outcome::Failure::Snooze(of) => Failure::Snooze(of),
            outcome::Failure::WaitChildren => Failure::WaitChildren,
            outcome::Failure::RateLimit(of) => Failure::RateLimit(of),
        }
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        crate::Failure::from(error).into()
    }
}

/// Bind the interface that a world of a WIT file exports, so that its functions
/// can be written in Rust.
///
/// `path` lists WIT files and directories from the crate's directory on, the
/// host's first; `world` is a world that includes `runner:plugin/imports` and
/// exports the plugin's contracts.
/// The types of the interface and the trait `Guest` with its functions are then
/// in `exports::<namespace>::<package>::<interface>`; [`serve!`](crate::serve)
/// makes a type with that trait the plugin. Call it at the root of the crate.
///
/// ```ignore
/// runner_sdk::contract!({
///     path: ["../../wit/runner", "../../wit/queues/otp.wit"],
///     world: "fundify:otp/otp",
/// });
/// use exports::fundify::otp::otp_queue::{Guest, OtpRequest, Receipt};
///
/// struct Otp;
///
/// impl Guest for Otp {
///     fn whatsapp_otp(data: OtpRequest) -> Result<Receipt, Failure> {
///         let id = send_code(&data.recipient, &data.otp)?;
///         Ok(Receipt { message_id: Some(id) })
///     }
/// }
///
/// runner_sdk::serve!(Otp);
/// ```
#[macro_export]
macro_rules! contract {
    ({ path: $path:tt, world: $world:literal $(,)? }) => {
        #[allow(
            missing_docs,
            unsafe_code,
            unreachable_pub,
            clippy::all,
            reason = "generated; the documentation is in the WIT file"
        )]
        mod contract {
            $crate::wit_bindgen::generate!({
                path: $path,
                world: $world,
                with: {
                    "runner:plugin/outcome@0.1.0": runner_sdk::typed,
                    "runner:plugin/job@0.1.0": runner_sdk::bindings::runner::plugin::job,
                    "runner:plugin/log@0.1.0": runner_sdk::bindings::runner::plugin::log,
                    "runner:plugin/progress@0.1.0": runner_sdk::bindings::runner::plugin::progress,
                    "runner:plugin/http@0.1.0": runner_sdk::bindings::runner::plugin::http,
                    "runner:plugin/config@0.1.0": runner_sdk::bindings::runner::plugin::config,
                    "runner:plugin/queue@0.1.0": runner_sdk::bindings::runner::plugin::queue,
                    "runner:plugin/checkpoint@0.1.0":
                        runner_sdk::bindings::runner::plugin::checkpoint,
                    "runner:plugin/sql@0.1.0": runner_sdk::bindings::runner::plugin::sql,
                    "runner:plugin/blobs@0.1.0": runner_sdk::bindings::runner::plugin::blobs,
                    "runner:plugin/kv@0.1.0": runner_sdk::bindings::runner::plugin::kv,
                },
                runtime_path: "runner_sdk::wit_bindgen::rt",
                pub_export_macro: true,
                default_bindings_module: "crate::contract",
            });
        }
        #[allow(unused_imports, reason = "for the functions below it")]
        use contract::exports;
    };
}

/// Export a type with the traits of the interfaces that
/// [`contract!`](crate::contract!) bound.
#[macro_export]
#[allow(
    clippy::crate_in_macro_def,
    reason = "the bindings are in the plugin's own crate"
)]
macro_rules! serve {
    ($plugin:ident) => {
        // Only linkers for Wasm take the names of the exports.
        #[cfg(target_arch = "wasm32")]
        crate::contract::export!($plugin with_types_in crate::contract);
    };
}
