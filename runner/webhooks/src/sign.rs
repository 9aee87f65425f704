//! Signatures of Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runner_config::Secret;
use runner_config::webhook::standard_key;

use crate::mac;

/// The value of `webhook-signature`: one signature for each key. `at` is the value of
/// `webhook-timestamp`.
pub fn sign(secrets: &[Secret], id: &str, at: u64, body: &[u8]) -> String {
    let head = format!("{id}.{at}.");
    let keys = secrets.iter().filter_map(standard_key);
    let signatures = keys.map(|key| {
        let mac = mac::sha256(&key, &[head.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(mac))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of github.com/standard-webhooks, README.
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            sign(
                &[secret],
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                body
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
