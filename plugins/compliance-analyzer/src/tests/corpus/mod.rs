//! Short texts with and without identifiers, and the table in the README that
//! says which are found. `BLESS=1` writes it.
//!
//! The texts are our own. The numbers are issuers' own examples, or made to pass
//! or to fail the check.

mod clean;
mod found;
mod labels;

use std::fmt::Write as _;
use std::{env, fs};

use crate::framework::Framework::{Gdpr, Hipaa, Pci};
use crate::rules;
use crate::scan::Scanner;

use self::labels::{LANGUAGES, NUMBERS};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str =
    "<!-- The tests write this table: BLESS=1 cargo test -p compliance-analyzer -->\n";
const END: &str = "<!-- end -->\n";

/// The rules that find something in a text, statements apart.
struct Reader(Scanner);

impl Reader {
    fn new() -> Self {
        Reader(Scanner::new(rules::for_frameworks(&[Gdpr, Pci, Hipaa])))
    }

    fn read(&self, text: &str) -> Vec<&'static str> {
        let found = self.0.scan(text, &[0], 10, |_| {});
        let rules = self.0.rules().iter().zip(found);
        rules
            .filter(|(rule, found)| found.count > 0 && !rule.frameworks.is_empty())
            .map(|(rule, _)| rule.id)
            .collect()
    }
}

/// Of each text that is not read as expected, a line.
fn wrong(texts: &[(&'static str, &str)]) -> Vec<String> {
    let reader = Reader::new();
    let read = texts
        .iter()
        .map(|(rule, text)| (rule, text, reader.read(text)));
    read.filter(|(rule, _, found)| found[..] != [**rule])
        .map(|(rule, text, found)| format!("{rule}: {text:?} gives {found:?}"))
        .collect()
}

#[test]
fn each_identifier_is_found_as_what_it_is() {
    let wrong = wrong(found::TEXTS);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_looks_like_one_is_left_alone() {
    let reader = Reader::new();
    let wrong: Vec<_> = clean::TEXTS
        .iter()
        .map(|text| (text, reader.read(text)))
        .filter(|(_, found)| !found.is_empty())
        .map(|(text, found)| format!("{text:?} gives {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn labels_are_read_in_five_languages() {
    let texts: Vec<_> = NUMBERS
        .iter()
        .flat_map(|number| number.texts.map(|text| (number.rule, text)))
        .collect();
    let wrong = wrong(&texts);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The numbers of [`NUMBERS`] alone, without a word round them.
#[test]
fn the_table_in_the_readme_is_what_is_found() {
    let reader = Reader::new();
    let mut table = format!("\n| | rule | check | alone | {} |\n", LANGUAGES.join(" | "));
    table.push_str(&"|---".repeat(4 + LANGUAGES.len()));
    table.push_str("|\n");
    let yes = |found: bool| if found { "yes" } else { "no" };
    for number in NUMBERS {
        let alone = reader.read(number.number) == [number.rule];
        let labelled = number
            .texts
            .map(|text| yes(reader.read(text) == [number.rule]));
        writeln!(
            table,
            "| {} | `{}` | {} | {} | {} |",
            number.name,
            number.rule,
            number.check,
            yes(alone),
            labelled.join(" | ")
        )
        .expect("a String");
    }
    let counts = [found::TEXTS.len(), clean::TEXTS.len()];
    let read = |(rule, text): &&(&str, &str)| reader.read(text) == [*rule];
    let found = found::TEXTS.iter().filter(read).count();
    let mistaken = clean::TEXTS
        .iter()
        .filter(|text| !reader.read(text).is_empty())
        .count();
    writeln!(
        table,
        "\nOf {} short texts with an identifier in the tests, {found} are found as what they are; \
         of {} without one, in {mistaken} something is found.\n",
        counts[0], counts[1]
    )
    .expect("a String");
    let readme = fs::read_to_string(README).expect("the README is there");
    let (head, rest) = readme.split_once(BEGIN).expect("the table has a beginning");
    let (_, tail) = rest.split_once(END).expect("the table has an end");
    let written = format!("{head}{BEGIN}{table}{END}{tail}");
    if env::var_os("BLESS").is_some() {
        fs::write(README, &written).expect("the README can be written");
    }
    assert!(
        readme == written || env::var_os("BLESS").is_some(),
        "BLESS=1 writes the README:\n{table}"
    );
}
