//! How a child begins what it says, when it lets a component through, refuses it, or
//! has reached a limit.

pub(super) const VALID: &str = "valid";
pub(super) const INVALID: &str = "invalid: ";
pub(super) const BOUND: &str = "bound: ";
pub(super) const UNWRITTEN: &str = "unwritten: ";
pub(super) const TIME: &str = "time";
