//! Steps that a retry need not repeat.
//!
//! What a step returned is kept with the job in Redis. A step that took effect just
//! before a crash may still be repeated (at least once), so give the other side an
//! idempotency key where it takes one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Result, host, log, reject};

/// Run a step once over all attempts of the job.
///
/// When an earlier attempt finished the step, what it returned then is
/// returned now. Names have up to 64 characters, values up to 64 KiB.
///
/// ```no_run
/// # use runner_sdk::prelude::*;
/// # fn send_email() -> Result<String> { unimplemented!() }
/// # fn handle() -> Result {
/// let message_id = checkpoint::once("email", send_email)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// What the step itself returned. Rejects when an earlier version of the plugin
/// recorded something else under this name: repeating the step could do harm.
pub fn once<T: Serialize + DeserializeOwned>(
    step: &str,
    run: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if let Some(json) = host::checkpoint::get(step) {
        return serde_json::from_str(&json).map_err(|error| {
            reject(format!(
                "the checkpoint \"{step}\" holds something else: {error}"
            ))
        });
    }
    let value = run()?;
    let json = serde_json::to_string(&value)
        .map_err(|error| reject(format!("the step \"{step}\" returned no JSON: {error}")))?;
    // The effect has happened. To fail now would repeat it for certain.
    if let Err(reason) = host::checkpoint::put(step, &json) {
        log::warn!(step = step, "the step may be repeated: {reason}");
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{retry, testing};

    #[test]
    fn a_finished_step_is_not_run_again() {
        let _host = testing::Host::new();
        assert_eq!(
            once("email", || Err::<u32, _>(retry("busy"))),
            Err(retry("busy"))
        );
        assert_eq!(once("email", || Ok(7)), Ok(7));
        assert_eq!(
            once("email", || -> Result<u32> { panic!("run twice") }),
            Ok(7)
        );
    }

    #[test]
    fn a_step_recorded_as_something_else_is_not_repeated() {
        let _host = testing::Host::new();
        once("email", || Ok("an id".to_owned())).expect("it returns a text");
        let failure = once("email", || Ok(7)).expect_err("a text is no number");
        assert!(
            failure
                .reason()
                .starts_with("the checkpoint \"email\" holds something else: "),
            "{failure:?}"
        );
    }
}
