//! Numbers that an authority, a bank or a ledger gives out: how long they are,
//! how they are written, their check digits, and the words that announce them.
//!
//! A number whose check leaves little to chance is found wherever it stands. One
//! that any tenth or eleventh number would pass counts only with its [`Label`]
//! before it, or behind it on its line: English, German, French, Spanish and
//! Hindi words, and those of the country itself.

mod americas;
mod asia;
mod banks;
mod cards;
mod digits;
mod europe;
mod label;
mod walk;
mod wallets;

use std::ops::RangeInclusive;

pub(crate) use americas::{ITIN, MEDICARE_BENEFICIARY, SOCIAL_SECURITY};
pub(crate) use asia::{AADHAAR, NRIC, PAN, TFN};
pub(crate) use banks::{IBAN, ROUTING};
pub(crate) use cards::CARD;
pub(crate) use digits::luhn;
pub(crate) use europe::{
    CODICE_FISCALE, NHS, NIF_PORTUGAL, NIF_SPAIN, NINO, NIR, PESEL, TAX_ID_GERMANY,
};
pub(crate) use label::is_something_else;
pub(crate) use walk::Walk;
pub(crate) use wallets::WALLET;

/// A kind of number.
pub(crate) struct Identifier {
    /// Characters without separators.
    pub(crate) lengths: RangeInclusive<usize>,
    /// How it may be written, besides in one piece.
    pub(crate) groups: Groups,
    /// Whether these characters, without separators, are one. They are in upper
    /// case unless `cased`.
    pub(crate) valid: fn(&[u8]) -> bool,
    /// Whether upper and lower case differ.
    pub(crate) cased: bool,
    pub(crate) label: Label,
    /// What announces it, in lower case.
    pub(crate) words: &'static [&'static str],
}

/// The groups in which a number is written: all with the same separator, or
/// with one line break in place of it.
pub(crate) enum Groups {
    /// Not at all.
    Whole,
    /// Fours, and a rest.
    Fours,
    /// Of these lengths.
    Of(&'static [&'static [usize]]),
}

/// When a number counts only with a word that announces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Never: chance does not pass the check.
    Never,
    /// When it is in small letters, or the word before it says that it is
    /// something else.
    Unshaped,
    /// Unless it is in groups with this separator, and in capitals.
    Ungrouped(u8),
    /// Always.
    Always,
}

impl Groups {
    fn allow(&self, lengths: &[usize]) -> bool {
        let Some((last, others)) = lengths.split_last() else {
            return false;
        };
        match self {
            _ if others.is_empty() => true,
            Groups::Whole => false,
            Groups::Fours => *last <= 4 && others.iter().all(|&length| length == 4),
            Groups::Of(forms) => forms.contains(&lengths),
        }
    }
}
