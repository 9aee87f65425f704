//! Settings and secrets granted to the plugin in `queues.toml`.
//!
//! ```toml
//! [plugins.otp-sender]
//! config = { sender = "Example <no-reply@example.com>" }
//! secrets = { RESEND_API_KEY = "env:RESEND_API_KEY" }
//! ```

use serde::de::DeserializeOwned;

use crate::{Result, host, reject};

/// The setting under `config`: strings as they are, other values as JSON text.
pub fn get(key: &str) -> Option<String> {
    host::config::get(key)
}

/// All settings, in the order of their names.
pub fn all() -> Vec<(String, String)> {
    host::config::get_all()
}

/// A setting that the plugin cannot do without.
///
/// # Errors
/// Rejects the job, saying which setting to add.
pub fn require(key: &str) -> Result<String> {
    get(key).ok_or_else(|| {
        reject(format!(
            "the setting \"{key}\" is missing; add it to config under [plugins.<name>] in queues.toml"
        ))
    })
}

/// A setting that is a number, a list, a table, …
///
/// # Errors
/// Rejects the job when the setting is there but does not fit.
pub fn json<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    get(key)
        .map(|text| {
            let mut json = serde_json::Deserializer::from_str(&text);
            serde_path_to_error::deserialize(&mut json)
                .map_err(|error| reject(format!("the setting \"{key}\" does not fit: {error}")))
        })
        .transpose()
}

/// The secret under `secrets`. Wherever it would appear, in a log line or an error,
/// Runner replaces it with `[redacted]`.
pub fn secret(name: &str) -> Option<String> {
    host::config::secret(name)
}

/// A secret that the plugin cannot do without.
///
/// # Errors
/// Rejects the job, saying how to grant the secret.
pub fn require_secret(name: &str) -> Result<String> {
    secret(name).ok_or_else(|| {
        reject(format!(
            "the secret \"{name}\" is not granted; add `secrets = {{ {name} = \"env:{name}\" }}` \
             under [plugins.<name>] in queues.toml"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_is_missing_is_named_with_the_way_to_grant_it() {
        let _host = testing::Host::new();
        assert_eq!(
            require("sender"),
            Err(reject(
                "the setting \"sender\" is missing; add it to config under [plugins.<name>] in queues.toml"
            ))
        );
        assert_eq!(
            require_secret("RESEND_API_KEY"),
            Err(reject(
                "the secret \"RESEND_API_KEY\" is not granted; add `secrets = { RESEND_API_KEY = \
                 \"env:RESEND_API_KEY\" }` under [plugins.<name>] in queues.toml"
            ))
        );
    }

    #[test]
    fn a_setting_that_does_not_fit_is_named() {
        let host = testing::Host::new();
        host.setting("max_age", "five minutes");
        host.setting("pages", "7");
        assert_eq!(json::<u32>("pages"), Ok(Some(7)));
        assert_eq!(json::<u32>("other"), Ok(None));
        let failure = json::<u32>("max_age").expect_err("it is no number");
        assert!(
            failure
                .reason()
                .starts_with("the setting \"max_age\" does not fit: "),
            "{failure:?}"
        );
    }
}
