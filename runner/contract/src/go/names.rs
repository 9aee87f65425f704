//! The names of Go's declarations, made of those of WIT.

use std::collections::{BTreeMap, BTreeSet};

/// What Go writes in capitals, from the list of its linters.
const INITIALISMS: [&str; 24] = [
    "api", "ascii", "cpu", "css", "dns", "eof", "html", "http", "https", "id", "ip", "json", "os",
    "ram", "rpc", "sla", "smtp", "sql", "tcp", "ttl", "udp", "uri", "url", "uuid",
];

/// `MessageID` of `message-id`; a name of Go stays.
pub(super) fn exported(name: &str) -> String {
    let word = |word: &str| {
        if INITIALISMS.contains(&word) {
            return word.to_ascii_uppercase();
        }
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    };
    name.split('-').map(word).collect()
}

/// A string of Go.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The names that are taken, and which of them stand for types of WIT.
pub(super) struct Names {
    taken: BTreeSet<String>,
    types: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn new(taken: &[String]) -> Names {
        Names {
            taken: taken.iter().cloned().collect(),
            types: BTreeMap::new(),
        }
    }

    /// A name, with as many `_` as it needs to be new.
    pub(super) fn take(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// What a type of WIT is called, if it is declared.
    pub(super) fn of(&self, wit: &str) -> Option<String> {
        self.types.get(wit).cloned()
    }

    /// Declare a type of WIT.
    pub(super) fn declare(&mut self, wit: &str, name: &str) -> String {
        let name = self.take(name);
        self.types.insert(wit.to_owned(), name.clone());
        name
    }
}
