//! What is looked for: one table per subject, each rule with its reason.
//!
//! A pattern is for bytes, without Unicode and without case; `(?-i:…)` turns
//! case on. All of them together are one automaton that reads every document,
//! so they repeat with `+` and `*` rather than with large counts. The value is
//! the first group that took part, or else the whole match. `\xc2\xa0` is the
//! space that does not break, which PDF and HTML have within numbers.

mod finance;
mod health;
mod payment;
mod personal;
mod secrets;
mod special;
mod statements;

use crate::framework::{Framework, Severity};

pub(crate) use statements::ABSENCES;

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
    pub(crate) pattern: &'static str,
    pub(crate) check: Check,
    pub(crate) show: Show,
}

/// What a rule is about, for [`ABSENCES`].
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

/// What a pattern matched.
pub(crate) struct Hit<'a> {
    pub(crate) value: &'a str,
    /// Up to 80 bytes before the match.
    pub(crate) before: &'a str,
    /// Up to 16 bytes after the value.
    pub(crate) after: &'a str,
}

/// The rules that these frameworks need, statements included.
pub(crate) fn for_frameworks(frameworks: &[Framework]) -> Vec<&'static Rule> {
    let asked = |of: &[Framework]| frameworks.iter().any(|framework| of.contains(framework));
    all()
        .filter(|rule| {
            asked(rule.frameworks)
                || ABSENCES
                    .iter()
                    .any(|absence| absence.statement == rule.id && asked(absence.frameworks))
        })
        .collect()
}

/// Every rule.
fn all() -> impl Iterator<Item = &'static Rule> {
    payment::RULES
        .iter()
        .chain(personal::RULES)
        .chain(special::RULES)
        .chain(health::RULES)
        .chain(finance::RULES)
        .chain(secrets::RULES)
        .chain(statements::RULES)
}

#[cfg(test)]
mod examples;
