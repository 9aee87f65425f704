//! Why a request is not believed.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Why a request is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It has no such header.
    Missing(String),
    /// What the header has is not what the scheme puts there.
    Malformed(String),
    /// The signature is not that of any key.
    Mismatch,
    /// The signed time is that far from ours, in seconds.
    Late(u64),
}

impl Refusal {
    pub(crate) fn missing(header: &str) -> Refusal {
        Refusal::Missing(header.to_owned())
    }

    pub(crate) fn malformed(header: &str) -> Refusal {
        Refusal::Malformed(header.to_owned())
    }

    /// For counters.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::Missing(_) => "missing",
            Refusal::Malformed(_) => "malformed",
            Refusal::Mismatch => "mismatch",
            Refusal::Late(_) => "late",
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing(header) => write!(f, "the header {header} is missing"),
            Refusal::Malformed(header) => {
                write!(f, "the header {header} is not what its scheme puts there")
            }
            Refusal::Mismatch => f.write_str(
                "the signature is not that of this request: is the key the same on both sides, and does nothing change the body on its way?",
            ),
            Refusal::Late(seconds) => write!(
                f,
                "the signed time is {seconds} s from that of this machine, more than `tolerance`: it is a replay, or a clock is wrong"
            ),
        }
    }
}

/// Whether a time in seconds since 1970 is near enough.
pub(crate) fn is_late(
    header: &str,
    at: &str,
    tolerance: Duration,
    now: u64,
) -> Result<(), Refusal> {
    let at: u64 = at.parse().map_err(|_| Refusal::malformed(header))?;
    let apart = at.abs_diff(now);
    match apart <= tolerance.as_secs() {
        true => Ok(()),
        false => Err(Refusal::Late(apart)),
    }
}
