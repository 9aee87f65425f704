//! docs/languages.md: the table, printed. `BLESS=1` writes it.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::language::Language;
use super::table::{self, Cell};
use crate::support::env;

const HEAD: &str = "# Languages

What a handler can rely on in each language. Runner's tests run every behaviour of this
page through the door, with a real Redis and a guest in each language
([tests/languages](../tests/languages/README.md)), and write the page from the same table.

Guides: [Rust](plugins-rust.md), [TypeScript and JavaScript](plugins-javascript.md),
[Python](plugins-python.md), [Go](plugins-go.md), [C](plugins-c.md), and
[programs](commands.md), which need no SDK.
";

fn file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/languages.md"))
}

/// As people read it.
fn size(language: Language) -> String {
    match language.kilobytes() {
        small @ ..1000 => format!("{small} KB"),
        large => format!("{:.1} MB", large as f64 / 1000.0),
    }
}

fn figures(page: &mut String) {
    page.push_str(
        "\n## Figures\n\nThe component of the suite's guest, which uses all of its SDK, and the \
         least `memory` with which a small job of it runs.\n\n| language | component, up to | \
         `memory`, from | door | built by |\n|---|---|---|---|---|\n",
    );
    for language in Language::ALL {
        let door = match language {
            Language::Command => "command",
            Language::Rust | Language::C => "handler, typed",
            _ => "handler",
        };
        let memory = language
            .memory()
            .replace("KiB", " KiB")
            .replace("MiB", " MiB");
        writeln!(
            page,
            "| {} | {} | {memory} | {door} | {} |",
            language.name(),
            size(language),
            language.tool(),
        )
        .expect("a String");
    }
}

/// The page, and the reasons behind its footnotes.
fn printed() -> String {
    let mut page = HEAD.to_owned();
    figures(&mut page);
    let names = Language::ALL.map(Language::name).join(" | ");
    let mut reasons: Vec<&str> = Vec::new();
    let mut group = "";
    for row in table::rows() {
        if row.group != group {
            group = row.group;
            let rule = "|---".repeat(Language::ALL.len() + 1);
            write!(page, "\n## {group}\n\n| | {names} |\n{rule}|\n").expect("a String");
        }
        let cells = Language::ALL.map(|language| match row.cell(language) {
            Cell::Works => "yes".to_owned(),
            Cell::NotOffered(reason) => {
                let known = reasons.iter().position(|known| *known == reason);
                let at = known.unwrap_or_else(|| {
                    reasons.push(reason);
                    reasons.len() - 1
                });
                format!("– ({})", at + 1)
            }
        });
        writeln!(page, "| {} | {} |", row.name, cells.join(" | ")).expect("a String");
    }
    page.push_str("\n## Not offered, and why\n\n");
    for (at, reason) in reasons.iter().enumerate() {
        writeln!(page, "{}. {reason}", at + 1).expect("a String");
    }
    page
}

#[test]
fn the_page_says_what_the_table_says() {
    let page = printed();
    if env("BLESS").is_some() {
        std::fs::write(file(), &page).expect("docs is writable");
    }
    let found = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(
        found == page,
        "docs/languages.md is not what the table says; BLESS=1 writes it anew"
    );
}

#[test]
fn the_table_has_every_behaviour_once_and_a_reason_for_each_gap() {
    let names: Vec<&str> = table::rows().map(|row| row.name).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "a name is there twice");
    assert!(names.len() >= 45, "{}", names.len());
    for language in Language::ALL {
        let offered = table::rows().filter(|row| matches!(row.cell(language), Cell::Works));
        assert!(offered.count() >= 35, "{}", language.name());
    }
}
