//! One job in the place of several that mean the same: BullMQ's `deduplication`
//! option as a job is added with it. What it does is `add/deduplicate.lua`
//! at the add and `lib/deduplication.lua` at the end.

use serde_json::{Map, Value};

/// JavaScript counts no further in whole numbers, so BullMQ could not read more.
const LONGEST: u64 = (1 << 53) - 1;

/// BullMQ's `deduplication`: with the id alone, further jobs are not added until
/// the first has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deduplication {
    /// What the jobs have in common.
    pub id: String,
    /// Milliseconds for which further jobs are not added, whether the first has
    /// ended or not; 0: until it has ended.
    pub ttl: u64,
    /// Each further job begins `ttl` anew.
    pub extend: bool,
    /// A further job takes the place of the first while that is delayed.
    pub replace: bool,
    /// Of the jobs that come while the first is active, the last is added when
    /// it has ended.
    pub keep_last_if_active: bool,
    /// A further job moves the first, if that is delayed, to its own delay.
    pub reschedule: bool,
}

impl Deduplication {
    /// Refuse what BullMQ refuses, and what Redis would refuse in mid-call.
    pub(in crate::queue) fn check(&self) -> Result<(), String> {
        if self.id.is_empty() {
            return Err("the deduplication id is empty; jobs with the same id are one".to_owned());
        }
        if self.ttl > LONGEST {
            return Err(format!(
                "the deduplication ttl of {} ms is over {LONGEST}, the longest",
                self.ttl
            ));
        }
        Ok(())
    }

    /// `de` of the options, as npm stores it.
    pub(in crate::queue) fn json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("id".to_owned(), self.id.as_str().into());
        if self.ttl > 0 {
            fields.insert("ttl".to_owned(), self.ttl.into());
        }
        for (name, set) in [
            ("extend", self.extend),
            ("replace", self.replace),
            ("keepLastIfActive", self.keep_last_if_active),
            ("reschedule", self.reschedule),
        ] {
            if set {
                fields.insert(name.to_owned(), true.into());
            }
        }
        Value::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let refused = |id: &str, ttl| {
            let id = id.to_owned();
            let of = Deduplication {
                id,
                ttl,
                ..Deduplication::default()
            };
            of.check().unwrap_err()
        };
        assert_eq!(
            refused("", 0),
            "the deduplication id is empty; jobs with the same id are one"
        );
        assert_eq!(
            refused("a", 1 << 53),
            "the deduplication ttl of 9007199254740992 ms is over 9007199254740991, the longest"
        );
    }
}
