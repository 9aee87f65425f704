//! What an edit takes away. A slow writer leaves half a file for a while, and
//! half a file may be whole TOML.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::origins::join;

/// A key by the names of the tables it is in. An entry of a list of tables has
/// the name that tells it from the others.
type Path = Vec<String>;

/// The keys that `before` has and `after` has not, each as `queues.mail.limiter`;
/// of a whole table only the table.
pub fn lost(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (keys(before), keys(after));
    let gone = |path: &[String]| !path.is_empty() && !after.contains(path);
    before
        .iter()
        .filter(|path| gone(path) && !gone(&path[..path.len() - 1]))
        .map(|path| {
            path.iter()
                .fold(String::new(), |path, key| join(&path, key))
        })
        .collect()
}

fn keys(text: &str) -> BTreeSet<Path> {
    let mut keys = BTreeSet::new();
    let (document, _) = DeTable::parse_recoverable(text);
    table(document.get_ref(), &mut Vec::new(), &mut keys);
    keys
}

fn table(of: &DeTable<'_>, path: &mut Path, keys: &mut BTreeSet<Path>) {
    for (key, value) in of.iter() {
        path.push(key.get_ref().to_string());
        keys.insert(path.clone());
        match value.get_ref() {
            DeValue::Table(inner) => table(inner, path, keys),
            DeValue::Array(items) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                for (at, item) in tables.enumerate() {
                    path.push(name(item).unwrap_or_else(|| at.to_string()));
                    keys.insert(path.clone());
                    table(item, path, keys);
                    path.pop();
                }
            }
            _ => {}
        }
        path.pop();
    }
}

/// What tells a schedule from the others, as the schedule's own default does.
fn name(of: &DeTable<'_>) -> Option<String> {
    let text = |key| of.get(key)?.get_ref().as_str();
    match text("id") {
        Some(id) => Some(id.to_owned()),
        None => Some(format!("{}/{}", text("queue")?, text("name")?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
        [queues.a]\nplugin = \"p\"\nlimiter = { max = 1, duration = \"1s\" }\n\
        [queues.\"b c\"]\nplugin = \"p\"\n\
        [[schedules]]\nqueue = \"a\"\nname = \"hourly\"\nevery = \"1h\"\n\
        [[schedules]]\nid = \"night\"\nqueue = \"a\"\nname = \"n\"\ncron = \"0 3 * * *\"\n\
        [plugins.p.secrets]\nTOKEN = \"env:TOKEN\"\n";

    #[test]
    fn what_an_edit_takes_away_is_named_once_by_its_table() {
        assert_eq!(lost(WHOLE, WHOLE), [""; 0]);
        assert_eq!(lost("", WHOLE), [""; 0]);
        assert_eq!(lost(WHOLE, ""), ["plugins", "queues", "schedules"]);
        let (first, _) = WHOLE.split_once("[[schedules]]\nid").unwrap();
        assert_eq!(lost(WHOLE, first), ["plugins", "schedules.night"]);
        let other = WHOLE
            .replace("hourly", "daily")
            .replace("[queues.\"b c\"]", "[queues.d]");
        assert_eq!(
            lost(WHOLE, &other),
            ["queues.\"b c\"", "schedules.\"a/hourly\""]
        );
        let edited = WHOLE.replace("max = 1, ", "").replace("1h", "2h");
        assert_eq!(lost(WHOLE, &edited), ["queues.a.limiter.max"]);
        let secret = WHOLE.replace("TOKEN = \"env:TOKEN\"\n", "");
        assert_eq!(lost(WHOLE, &secret), ["plugins.p.secrets.TOKEN"]);
    }

    #[test]
    fn every_half_of_a_file_has_lost_something() {
        let halves = (1..WHOLE.len() - 1).map(|at| &WHOLE[..at]);
        let mut whole_toml = 0;
        for half in halves {
            if DeTable::parse_recoverable(half).1.is_empty() {
                whole_toml += 1;
                assert_ne!(lost(WHOLE, half), [""; 0], "{half}");
            }
        }
        assert!(whole_toml > 10, "{whole_toml}");
    }
}
