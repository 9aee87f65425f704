//! Numbers that scripts and Rust both say, stated here alone. A script writes
//! `$COMPLETED`; [`filled`] puts the number in its place before Redis gets it.

/// Constants, and the table of them.
macro_rules! shared {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        $($(#[$doc])* pub(in crate::queue) const $name: i64 = $value;)+

        const ALL: &[(&str, i64)] = &[$((stringify!($name), $name)),+];
    };
}

// What a settle answers for each end: where the job is now, or why it is not settled.
shared! {
    /// It is completed.
    COMPLETED = 1;
    /// It has failed.
    FAILED = 2;
    /// It waits.
    WAITING = 3;
    /// It waits, with a priority.
    PRIORITIZED = 4;
    /// It is delayed.
    DELAYED = 5;
    /// It waits for its children.
    WAITING_CHILDREN = 6;
    /// It is in another queue.
    MOVED = 7;
    /// Nothing was written: the job is gone.
    GONE = -1;
    /// Nothing was written: its lock is lost.
    LOCK_LOST = -2;
    /// Nothing was written: it has failed children.
    CHILD_FAILED = -9;
}

/// A script with the numbers in their places.
pub(in crate::queue) fn filled(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut parts = source.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        match ALL.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => text.push_str(&value.to_string()),
            None => text.extend(["$", name]),
        }
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// All scripts below a folder.
    fn scripts(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scripts(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "lua") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn every_number_that_a_script_names_is_known_and_each_is_named() {
        let mut sources = Vec::new();
        let queue = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/queue");
        scripts(&queue, &mut sources);
        for source in &sources {
            for part in filled(source).split('$').skip(1) {
                let unknown = part.starts_with(|letter: char| letter.is_ascii_uppercase());
                assert!(
                    !unknown,
                    "no number is called ${}",
                    &part[..part.len().min(20)]
                );
            }
        }
        for (name, _) in ALL {
            let named = format!("${name}");
            assert!(
                sources.iter().any(|source| source.contains(&named)),
                "no script says {named}"
            );
        }
    }

    #[test]
    fn only_whole_names_are_filled_in() {
        assert_eq!(
            filled("return $MOVED, '^%d+$', $MOVEDX -- $GONE"),
            "return 7, '^%d+$', $MOVEDX -- -1"
        );
    }
}
