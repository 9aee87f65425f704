//! What a provider says when it refuses, and what follows from it.

mod codes;

use std::time::Duration;

use runner_sdk::http::Response;
use runner_sdk::{Failure, Result, rate_limit, reject, retry, retry_after};
use serde_json::Value;

pub use codes::{EXPO, META, RESEND, SLACK, TWILIO};

/// The longest time that is waited for one answer: a day. What providers count
/// by the month may be bought in the meantime.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// After a 429 that does not say how long.
const UNTOLD: Duration = Duration::from_secs(30);

/// Who is asked, and how they say what is wrong.
pub struct Provider {
    /// As people know it.
    pub name: &'static str,
    /// Where the words stand in the JSON, a pointer of RFC 6901; empty when the
    /// content is the code alone.
    pub message: &'static str,
    /// The same for the code.
    pub code: &'static str,
    /// The same for a `true` that calls a code which is not known passing; empty
    /// when the provider says no such thing.
    pub transient: &'static str,
    /// What follows from each code that the provider documents.
    pub codes: &'static [(&'static str, Verdict)],
}

/// What follows from a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A passing trouble: again, with the job's backoff or when they say.
    Retry,
    /// This recipient gets too much: again when they say, or after these seconds.
    Later(u64),
    /// The account sends too much: nobody on this queue until they say, or for
    /// these seconds.
    Everyone(u64),
    /// It is no better later.
    Never,
}

impl Provider {
    /// The response, unless its status is 400 or more.
    ///
    /// # Errors
    /// The verdict of the code, in the provider's own words. A code that is not
    /// known counts as its status does ([`Response::error_for_status`]), and 429
    /// holds the whole queue.
    pub fn check(&self, response: Response) -> Result<Response> {
        let status = response.status();
        if status < 400 {
            return Ok(response);
        }
        let code = self.text(&response, self.code);
        let known = code.as_deref().and_then(|code| self.verdict(code));
        let verdict = match (known, status) {
            (None, _) if self.is_transient(&response) => Some(Verdict::Retry),
            (None, 429) => Some(Verdict::Everyone(UNTOLD.as_secs())),
            (known, _) => known,
        };
        let words = self.text(&response, self.message);
        let told = told(&response);
        let Err(error) = response.error_for_status() else {
            return Err(retry(format!("{} answered {status}", self.name)));
        };
        let failure = Failure::from(error);
        let reason = match words {
            Some(words) => format!("{} answered {status}: {words}", self.name),
            None => failure.reason().to_owned(),
        };
        Err(match verdict {
            Some(verdict) => verdict.failure(told, reason),
            None => failure.with_reason(reason),
        })
    }

    /// What follows from a code, if it is known.
    pub fn verdict(&self, code: &str) -> Option<Verdict> {
        let known = self.codes.iter().find(|(known, _)| *known == code);
        known.map(|(_, verdict)| *verdict)
    }

    fn is_transient(&self, response: &Response) -> bool {
        let json = response.json::<Value>().unwrap_or_default();
        !self.transient.is_empty() && json.pointer(self.transient) == Some(&Value::Bool(true))
    }

    /// The text or the number at a pointer, or all of the content.
    fn text(&self, response: &Response, pointer: &str) -> Option<String> {
        if pointer.is_empty() {
            let text = response.text().trim().to_owned();
            return (!text.is_empty() && text.len() <= 100).then_some(text);
        }
        let json: Value = response.json().ok()?;
        match json.pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl Verdict {
    /// The end of the attempt, after the time they told, if they did.
    pub fn failure(self, told: Option<Duration>, reason: String) -> Failure {
        let wait = |seconds| told.unwrap_or(Duration::from_secs(seconds)).min(LONGEST);
        match (self, told) {
            (Verdict::Retry, None) => retry(reason),
            (Verdict::Retry, Some(_)) => retry_after(wait(0), reason),
            (Verdict::Later(seconds), _) => retry_after(wait(seconds), reason),
            (Verdict::Everyone(seconds), _) => rate_limit(wait(seconds), reason),
            (Verdict::Never, _) => reject(reason),
        }
    }
}

/// How long they say one should wait: `Retry-After` (RFC 9110, 10.2.3),
/// `RateLimit-Reset` (seconds, as Resend sends it) or the minutes of Meta's
/// [`X-Business-Use-Case-Usage`](https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2).
fn told(response: &Response) -> Option<Duration> {
    let reset = || -> Option<u64> { response.header("ratelimit-reset")?.trim().parse().ok() };
    response
        .retry_after()
        .or_else(|| reset().map(Duration::from_secs))
        .or_else(|| {
            let usage = response.header("x-business-use-case-usage")?;
            let usage: Value = serde_json::from_str(usage).ok()?;
            let accounts = usage.as_object()?.values().filter_map(Value::as_array);
            let minutes = accounts
                .flatten()
                .filter_map(|usage| usage["estimated_time_to_regain_access"].as_u64());
            let minutes = minutes.max().filter(|minutes| *minutes > 0)?;
            Some(Duration::from_secs(minutes.saturating_mul(60)))
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use runner_sdk::http;
    use runner_sdk::testing::{Host, Reply};
    use serde_json::json;

    const URL: &str = "https://provider.example/send";

    fn failure(provider: &Provider, reply: Reply) -> Failure {
        let host = Host::new();
        host.reply("POST", URL, reply);
        let response = http::post(URL).send().expect("it answers");
        provider.check(response).expect_err("it refuses")
    }

    /// The content in which a provider puts a code.
    fn refused(provider: &Provider, code: &str) -> Reply {
        match provider.name {
            "WhatsApp" => {
                let code: u64 = code.parse().expect("a number");
                Reply::json(400, json!({ "error": { "code": code, "message": "no" } }))
            }
            "Twilio" => {
                let code: u64 = code.parse().expect("a number");
                Reply::json(400, json!({ "code": code, "message": "no" }))
            }
            "Resend" => Reply::json(400, json!({ "name": code, "message": "no" })),
            "Expo" => Reply::json(
                400,
                json!({ "errors": [{ "code": code, "message": "no" }] }),
            ),
            _ => Reply::text(400, code),
        }
    }

    #[test]
    fn each_code_has_the_end_of_its_table() {
        for provider in [&META, &TWILIO, &RESEND, &EXPO, &SLACK] {
            for (code, verdict) in provider.codes {
                let failure = failure(provider, refused(provider, code));
                let words = if provider.message.is_empty() {
                    code
                } else {
                    "no"
                };
                let reason = format!("{} answered 400: {words}", provider.name);
                let expected = verdict.failure(None, reason);
                assert_eq!(failure, expected, "{} {code}", provider.name);
            }
        }
    }

    #[test]
    fn no_code_stands_twice() {
        for provider in [&META, &TWILIO, &RESEND, &EXPO, &SLACK] {
            for (at, (code, _)) in provider.codes.iter().enumerate() {
                let first = provider.codes.iter().position(|(known, _)| known == code);
                assert_eq!(first, Some(at), "{} {code}", provider.name);
            }
        }
    }

    #[test]
    fn the_time_they_say_holds() {
        let limited = || {
            Reply::json(
                429,
                json!({ "name": "rate_limit_exceeded", "message": "slow" }),
            )
        };
        let slow = |seconds| rate_limit(Duration::from_secs(seconds), "Resend answered 429: slow");
        assert_eq!(failure(&RESEND, limited()), slow(1));
        assert_eq!(
            failure(&RESEND, limited().header("retry-after", "7")),
            slow(7)
        );
        assert_eq!(
            failure(&RESEND, limited().header("ratelimit-reset", "9")),
            slow(9)
        );
        // A year is too long to hold a queue.
        assert_eq!(
            failure(&RESEND, limited().header("retry-after", "31536000")),
            slow(86_400)
        );
        let usage = r#"{"102":[{"type":"messages","estimated_time_to_regain_access":3}]}"#;
        let calls = Reply::json(
            400,
            json!({ "error": { "code": 80007, "message": "calls" } }),
        );
        assert_eq!(
            failure(&META, calls.header("x-business-use-case-usage", usage)),
            rate_limit(Duration::from_secs(180), "WhatsApp answered 400: calls")
        );
        assert_eq!(
            failure(
                &TWILIO,
                Reply::json(503, json!({ "code": 20503, "message": "down" }))
                    .header("retry-after", "4")
            ),
            retry_after(Duration::from_secs(4), "Twilio answered 503: down")
        );
    }

    #[test]
    fn what_no_table_knows_counts_as_its_status() {
        assert_eq!(
            failure(&SLACK, Reply::text(429, "")),
            rate_limit(UNTOLD, "provider.example answered 429: no content")
        );
        let passing = json!({ "error": { "code": 9, "message": "odd", "is_transient": true } });
        assert_eq!(
            failure(&META, Reply::json(400, passing)),
            retry("WhatsApp answered 400: odd")
        );
        assert_eq!(
            failure(
                &TWILIO,
                Reply::json(400, json!({ "code": 1, "message": "odd" }))
            ),
            reject("Twilio answered 400: odd")
        );
        assert_eq!(
            failure(
                &TWILIO,
                Reply::json(500, json!({ "code": 1, "message": "odd" }))
            ),
            retry("Twilio answered 500: odd")
        );
    }
}
