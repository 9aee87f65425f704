//! What a store's refusal means. The library's own words are never told: they hold URLs,
//! some of them signed, and whole answers.

use std::error::Error as StdError;

use crate::error::{changed, no_object, present};
use crate::{Condition, Error};

/// What was asked, as far as an answer depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// A page of keys.
    List,
    /// A write, if this holds.
    Write(&'a Condition),
    Other,
}

// Long because it is one match: an arm for each thing that a store can say.
/// What went wrong with the object of this key.
pub(super) fn told(store: &str, key: &str, error: &object_store::Error, asked: Asked<'_>) -> Error {
    // Our own connector's words.
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(this) = cause {
        if let Some(error) = this.downcast_ref::<Error>() {
            return match error {
                Error::Unavailable(text) => {
                    Error::Unavailable(format!("store {store:?} cannot be reached: {text}"))
                }
                error => error.clone(),
            };
        }
        cause = this.source();
    }
    let text = error.to_string();
    let code = code(&text);
    let named = match code {
        Some(code) => format!(" ({code})"),
        None => String::new(),
    };
    match (error, status(error), code) {
        (_, _, Some("NoSuchBucket" | "ContainerNotFound")) => {
            Error::NotFound(format!("the bucket of store {store:?} is not there"))
        }
        (_, _, Some("NoSuchUpload")) => Error::Unavailable(format!(
            "store {store:?} no longer knows the upload of {key:?}"
        )),
        (object_store::Error::NotFound { .. }, ..) if matches!(asked, Asked::List) => {
            Error::NotFound(format!("the bucket of store {store:?} is not there"))
        }
        (object_store::Error::Precondition { .. }, ..)
        | (object_store::Error::AlreadyExists { .. }, ..)
        | (object_store::Error::NotModified { .. }, ..) => match asked {
            Asked::Write(Condition::Absent) => present(store, key),
            Asked::Write(Condition::Unchanged(_)) => changed(store, key),
            // Two writers at the same moment.
            _ => Error::Unavailable(format!("store {store:?} refuses for now{named}")),
        },
        (object_store::Error::NotFound { .. }, ..) => no_object(store, key),
        (object_store::Error::PermissionDenied { .. }, ..)
        | (object_store::Error::Unauthenticated { .. }, ..)
        | (_, Some(401 | 403), _)
        | (_, _, Some("InvalidAccessKeyId" | "ExpiredToken" | "InvalidToken")) => Error::Denied(
            format!("store {store:?} refuses what Runner asks with its keys{named}"),
        ),
        (object_store::Error::NotSupported { .. }, ..)
        | (object_store::Error::NotImplemented { .. }, ..)
        | (_, Some(501), _) => Error::Invalid(format!(
            "store {store:?} cannot do this: it has no such condition or request"
        )),
        (_, Some(413), _) | (_, _, Some("EntityTooLarge")) => Error::TooLarge(format!(
            "object {key:?} is larger than store {store:?} takes"
        )),
        (object_store::Error::InvalidPath { .. }, ..) => Error::Invalid(format!(
            "store {store:?} has a key there that no plugin can have, with an empty part or a \
             control character"
        )),
        (_, Some(status @ 300..=399), _) => Error::Unavailable(format!(
            "store {store:?} sends Runner elsewhere ({status}): its `region` or `endpoint` is \
             another one"
        )),
        (_, Some(status @ 400..=499), _) if !matches!(status, 408 | 429) => {
            let what = match asked {
                Asked::List => "the list: is the cursor one of the same list?",
                _ => "the request",
            };
            Error::Invalid(format!("store {store:?} refuses {what} ({status}){named}"))
        }
        (_, Some(status), _) => {
            Error::Unavailable(format!("store {store:?} failed with {status}{named}"))
        }
        _ => Error::Unavailable(format!("store {store:?} gave no answer that can be read")),
    }
}

/// The status of an answer. The library has it in its words only.
pub(super) fn status(error: &object_store::Error) -> Option<u16> {
    let text = error.to_string();
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The code of the error in an answer of XML: a word of the protocol.
fn code(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("<Code>")?;
    let (code, _) = after.split_once("</Code>")?;
    let word = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> object_store::Error {
        object_store::Error::Generic {
            store: "S3",
            source: format!(
                "Error performing GET http://127.0.0.1/b?X-Amz-Signature=hunter2 in 1ms - \
                 Server returned non-2xx status code: {status} Some Words: {body}"
            )
            .into(),
        }
    }

    #[test]
    fn an_answer_is_told_without_its_url_and_text() {
        let cases = [
            (404, "<Error><Code>NoSuchBucket</Code></Error>", "not-found"),
            (
                403,
                "<Error><Code>SignatureDoesNotMatch</Code></Error>",
                "denied",
            ),
            (301, "", "unavailable"),
            (400, "<Code>hunter2 <b></Code>", "invalid"),
            (501, "", "invalid"),
            (503, "<Code>SlowDown</Code>", "unavailable"),
            (413, "", "too-large"),
        ];
        for (status, body, label) in cases {
            let told = told("inbox", "a", &answered(status, body), Asked::Other);
            assert_eq!(told.label(), label, "{told}");
            let text = told.to_string();
            assert!(text.contains("\"inbox\""), "{text}");
            assert!(
                !text.contains("hunter2") && !text.contains("127.0.0.1"),
                "{text}"
            );
        }
        let slow = told(
            "inbox",
            "a",
            &answered(503, "<Code>SlowDown</Code>"),
            Asked::Other,
        );
        assert_eq!(
            slow.to_string(),
            "store \"inbox\" failed with 503 (SlowDown)"
        );
    }
}
