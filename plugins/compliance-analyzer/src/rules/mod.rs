//! What is looked for: one table per subject, each rule with its reason.
//!
//! A pattern is for bytes, without Unicode and without case; `(?-i:…)` turns
//! case on. All of them together are one automaton that reads every document,
//! so they repeat with `+` and `*` rather than with large counts. The value is
//! the first group that took part, or else the whole match. `\xc2\xa0` is the
//! space that does not break, which PDF and HTML have within numbers.

mod finance;
mod health;
mod numbers;
mod payment;
mod personal;
mod secrets;
mod special;
mod statements;

use crate::framework::Framework;
use crate::rule::Rule;

pub(crate) use statements::ABSENCES;

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
        .chain(numbers::RULES)
        .chain(special::RULES)
        .chain(health::RULES)
        .chain(finance::RULES)
        .chain(secrets::RULES)
        .chain(statements::RULES)
}

#[cfg(test)]
mod examples;
