//! What a component will have to be granted, told by what it imports.
//!
//! For the application. Knows the names of the host's interfaces.

/// The grants that a component with these imports may need, each with the key of its
/// table in `queues.toml`, an example, and the import that tells.
///
/// What it imports it need not use; files are not told, because the start-up code of
/// most languages imports them.
pub fn needs(imports: &[String]) -> Vec<(&'static str, &'static str, String)> {
    let imports_of = |names: &[&str]| {
        let mut all = imports.iter();
        let found = all.find(|import| {
            let name = runner_contract::unversioned(import);
            names.contains(&name)
        });
        found.cloned()
    };
    let known: [(&str, &str, &[&str]); 5] = [
        (
            "http",
            "[\"https://api.example.com\"]",
            &["runner:plugin/http", "wasi:http/outgoing-handler"],
        ),
        (
            "config",
            "{ key = \"value\" }",
            &["runner:plugin/config", "wasi:config/store"],
        ),
        (
            "sql",
            "{ main = \"env:DATABASE_URL\" }",
            &["runner:plugin/sql"],
        ),
        ("kv", "true", &["runner:plugin/kv"]),
        (
            "blobs",
            "{ inbox = \"s3://bucket/path\" }",
            &["runner:plugin/blobs"],
        ),
    ];
    let needed = known
        .into_iter()
        .filter_map(|(key, example, names)| imports_of(names).map(|import| (key, example, import)));
    needed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_told_by_imports() {
        let imports = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let needed = needs(&imports(&[
            "runner:plugin/http@0.1.0",
            "runner:plugin/log@0.1.0",
            "wasi:config/store@0.2.0-rc.1",
            "runner:plugin/blobs@0.1.0",
            "runner:plugin/kv@0.1.0",
            "runner:plugin/sql@0.1.0",
        ]));
        let keys: Vec<&str> = needed.iter().map(|(key, ..)| *key).collect();
        assert_eq!(keys, ["http", "config", "sql", "kv", "blobs"]);
        assert_eq!(needs(&imports(&["wasi:cli/environment@0.2.6"])), []);
    }
}
