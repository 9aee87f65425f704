//! The conformance suite: every behaviour of [`table`] in every language, through the
//! door. `README.md` beside this says what a guest does.
//!
//! One `runner serve` for each language; all of its behaviours at the same time.

mod door;
mod ends;
mod flows;
mod instances;
mod language;
mod limits;
mod page;
mod reach;
mod server;
mod sql;
mod table;
mod values;

use self::door::Door;
use self::language::Language;
use self::table::Cell;

/// Run every behaviour that the language offers.
#[track_caller]
fn conforms(language: Language) {
    let door = Door::open(language);
    let offered: Vec<_> = table::rows()
        .filter(|row| matches!(row.cell(language), Cell::Works))
        .filter(|row| super::support::env("ONLY").is_none_or(|only| row.name.contains(&only)))
        .collect();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = offered
            .iter()
            .map(|row| (row.name, scope.spawn(|| (row.check)(&door))))
            .collect();
        let ended = running
            .into_iter()
            .map(|(name, check)| (name, check.join()));
        ended
            .filter_map(|(name, ended)| Some((name, ended.err()?)))
            .map(|(name, panic)| format!("- {name}: {}", said(&*panic)))
            .collect()
    });
    assert!(
        failed.is_empty(),
        "{} of {} behaviours fail in {}:\n{}",
        failed.len(),
        offered.len(),
        language.name(),
        failed.join("\n")
    );
}

/// What a check said when it gave up.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

#[test]
fn rust_conforms() {
    conforms(Language::Rust);
}

#[test]
fn typescript_on_quickjs_conforms() {
    conforms(Language::QuickJs);
}

#[test]
fn typescript_on_starlingmonkey_conforms() {
    conforms(Language::StarlingMonkey);
}

#[test]
fn python_conforms() {
    conforms(Language::Python);
}

#[test]
fn go_conforms() {
    conforms(Language::Go);
}

#[test]
fn c_conforms() {
    conforms(Language::C);
}

#[test]
fn the_command_door_conforms() {
    conforms(Language::Command);
}
