//! What a provider says when it refuses.

use runner_sdk::http::Response;
use runner_sdk::{Failure, Result};
use serde_json::Value;

/// The response, unless its status is 400 or more.
///
/// # Errors
/// The verdict of [`Response::error_for_status`] in the provider's own words,
/// which stand in its JSON at `message` (a pointer of RFC 6901).
pub fn check(provider: &str, response: Response, message: &str) -> Result<Response> {
    let status = response.status();
    let words = words(&response, message);
    response.error_for_status().map_err(|error| {
        let failure = Failure::from(error);
        match words {
            Some(words) => failure.with_reason(format!("{provider} answered {status}: {words}")),
            None => failure,
        }
    })
}

/// The text at a pointer of RFC 6901.
pub fn words(response: &Response, pointer: &str) -> Option<String> {
    let json: Value = response.json().ok()?;
    Some(json.pointer(pointer)?.as_str()?.to_owned())
}

/// A failure that quotes nothing private: each text is replaced by its cover.
pub fn redact(failure: Failure, private: &[(&str, &str)]) -> Failure {
    let reason = private
        .iter()
        .fold(failure.reason().to_owned(), |reason, (text, cover)| {
            reason.replace(text, cover)
        });
    failure.with_reason(reason)
}
