//! Where an answer goes on: a text that callers hand back as it is.
//!
//! It carries a value and what it was made for, so that a cursor that was changed, cut
//! or taken to another question is refused and not misunderstood. It is no secret and
//! gives no rights: whoever has it may do what they may do without it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Bytes of the check.
const CHECK: usize = 8;

/// A cursor that is none of this question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cursor is not one of this question: it was changed, or made for another queue or \
     filter; begin without a cursor"
)]
pub struct Forged;

/// A cursor for the question that `context` describes: route, queue, filter.
pub fn seal(context: &str, value: &impl Serialize) -> String {
    let mut bytes = serde_json::to_vec(value).expect("own types serialise to JSON");
    let check = check(context, &bytes);
    bytes.extend(check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What was sealed for the same question.
///
/// # Errors
/// [`Forged`], whatever is wrong with it.
pub fn open<T: DeserializeOwned>(context: &str, cursor: &str) -> Result<T, Forged> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Forged)?;
    let at = bytes.len().checked_sub(CHECK).ok_or(Forged)?;
    let (value, sealed) = bytes.split_at(at);
    match check(context, value) == *sealed {
        true => serde_json::from_slice(value).map_err(|_| Forged),
        false => Err(Forged),
    }
}

fn check(context: &str, value: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::new()
        .chain_update((context.len() as u64).to_le_bytes())
        .chain_update(context)
        .chain_update(value)
        .finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_only_for_its_question_and_as_it_was_made() {
        let cursor = seal("orders state:failed", &("failed", 42));
        let open = |context: &str, cursor: &str| open::<(String, u64)>(context, cursor);
        assert_eq!(
            open("orders state:failed", &cursor),
            Ok(("failed".to_owned(), 42))
        );
        assert_eq!(open("orders", &cursor), Err(Forged));
        assert_eq!(open("orders state:failed", &cursor[1..]), Err(Forged));
        assert_eq!(open("orders state:failed", ""), Err(Forged));
        assert_eq!(open("orders state:failed", "%"), Err(Forged));
        for at in 0..cursor.len() {
            let mut forged = cursor.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(
                open("orders state:failed", &forged),
                Err(Forged),
                "{forged}"
            );
        }
        assert_eq!(
            Forged.to_string(),
            "the cursor is not one of this question: it was changed, or made for another queue \
             or filter; begin without a cursor"
        );
    }
}
