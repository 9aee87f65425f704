//! What a rule is: something to look for, and what to make of it.

use crate::check::Hit;
use crate::framework::{Framework, Severity};
use crate::identifiers::Identifier;

/// Something to look for.
pub(crate) struct Rule {
    /// Stable; part of the result.
    pub(crate) id: &'static str,
    /// Who cares. Empty for a statement, whose absence is what matters.
    pub(crate) frameworks: &'static [Framework],
    pub(crate) severity: Severity,
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) advice: &'static str,
    pub(crate) subject: Subject,
    pub(crate) find: Find,
    pub(crate) show: Show,
}

/// What a rule looks for.
#[derive(Clone, Copy)]
pub(crate) enum Find {
    /// A pattern, and the check of what it matched.
    Text(&'static str, Check),
    /// The same for values that only the word before them tells from others. It
    /// gives way to a number at the same place, which is more certain.
    Label(&'static str, Check),
    /// A number with a form of its own.
    Number(&'static Identifier),
}

/// What a rule is about, for [`ABSENCES`](crate::rules::ABSENCES).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Data about a person.
    Person,
    /// Data about a person's health.
    Health,
    /// Data of a payment card.
    Card,
    /// Figures and statements of a company.
    Company,
    /// What opens a door.
    Secret,
    /// Wording that ought to be there; never a finding.
    Statement,
}

/// The part of the value that is real, or nothing for a false alarm.
pub(crate) type Check = for<'a> fn(&Hit<'a>) -> Option<&'a str>;

/// How a value is shown. What is private stays so.
pub(crate) type Show = fn(&str) -> String;
