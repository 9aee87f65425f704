//! What to import instead of an interface that is not offered.

use std::cmp::Ordering;

use crate::host::wasi::offered::{PACKAGES, drafts};

/// How alike a misspelt name is to the right one, from 0 to 1.
const ALIKE: f64 = 0.8;

/// Interfaces of other hosts, by how their names begin, and what does the same here.
/// The first that fits counts.
const RELATIVES: &[(&str, &str)] = &[
    (
        "wasi:http/incoming-handler",
        "jobs come in through the export \"runner:plugin/handler@0.1.0\"",
    ),
    (
        "wasi:http/handler",
        "\"wasi:http/outgoing-handler@0.2.12\" and \"runner:plugin/http@0.1.0\" send requests",
    ),
    (
        "wasi:http/client",
        "\"wasi:http/outgoing-handler@0.2.12\" and \"runner:plugin/http@0.1.0\" send requests",
    ),
    (
        "wasi:tls/",
        "\"runner:plugin/http@0.1.0\" and \"wasi:http/outgoing-handler@0.2.12\" encrypt what \
         goes to https://",
    ),
    (
        "wasi:keyvalue/",
        "\"runner:plugin/kv@0.1.0\" keeps values that outlive the job",
    ),
    (
        "wasi:blobstore/",
        "\"runner:plugin/blobs@0.1.0\" reaches the stores that are granted",
    ),
    (
        "wasi:messaging/",
        "\"runner:plugin/queue@0.1.0\" adds jobs to queues",
    ),
    ("wasi:sql/", DATABASE),
    ("wasi:threads/", "run jobs side by side with `concurrency`"),
    (
        "wasi:secrets/",
        "\"runner:plugin/config@0.1.0\" has the secrets that are granted",
    ),
    (
        "wasmcloud:messaging/",
        "\"runner:plugin/queue@0.1.0\" adds jobs to queues",
    ),
    (
        "wasmcloud:secrets/",
        "\"runner:plugin/config@0.1.0\" has the secrets that are granted",
    ),
    ("wasmcloud:postgres/", DATABASE),
    (
        "fermyon:spin/key-value",
        "\"runner:plugin/kv@0.1.0\" keeps values that outlive the job",
    ),
    (
        "fermyon:spin/variables",
        "\"runner:plugin/config@0.1.0\" has settings and secrets",
    ),
    (
        "fermyon:spin/http",
        "\"runner:plugin/http@0.1.0\" sends requests",
    ),
    ("fermyon:spin/", DATABASE),
];

const DATABASE: &str = "\"runner:plugin/sql@0.1.0\" reaches the databases that are granted";

/// What stands where for the import of this name, or where to look.
pub(super) fn nearest(import: &str) -> String {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    if let Some(other) = same(interface) {
        return other_version(&other, version);
    }
    if let Some((_, relative)) = RELATIVES.iter().find(|(name, _)| import.starts_with(name)) {
        return format!("nearest here: {relative}");
    }
    if let Some(alike) = alike(interface) {
        return format!("did you mean {alike:?}?");
    }
    if ["wasi:", "runner:"]
        .iter()
        .any(|own| import.starts_with(own))
    {
        return "docs/wasi.md lists what a plugin can import".to_owned();
    }
    "a plugin has what others provide in itself: `wac plug` links two components into one"
        .to_owned()
}

/// The same interface in the version that is offered.
fn same(interface: &str) -> Option<String> {
    names().find(|name| unversioned(name) == interface)
}

fn other_version(offered: &str, wanted: &str) -> String {
    let (_, here) = offered.split_once('@').unwrap_or_default();
    let what = if offered.starts_with("runner:") {
        "build it with the SDK of this Runner, or run a newer one"
    } else if wanted.starts_with("0.3") {
        "build it for WASI 0.2"
    } else {
        "build it with a toolchain of that version"
    };
    format!("this Runner has version {here}: {what}")
}

fn alike(interface: &str) -> Option<String> {
    let likeness =
        |name: &str| strsim::normalized_damerau_levenshtein(unversioned(name), interface);
    let named = names().map(|name| (likeness(&name), name));
    let most = named.max_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal))?;
    (most.0 >= ALIKE).then_some(most.1)
}

/// All interfaces with their versions.
fn names() -> impl Iterator<Item = String> {
    let named = PACKAGES.iter().flat_map(|package| {
        let name = |of| format!("{}/{of}@{}", package.name, package.version);
        package.interfaces.iter().map(name)
    });
    named.chain(drafts().map(str::to_owned))
}

fn unversioned(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn each_import_that_is_not_there_has_a_relative_or_a_place_to_look() {
        for (import, says) in [
            (
                "wasi:clocks/monotonic-clock@0.3.0",
                "this Runner has version 0.2.12: build it for WASI 0.2",
            ),
            (
                "wasi:cli/environment@0.2.0-rc-2023-12-05",
                "this Runner has version 0.2.12: build it with a toolchain of that version",
            ),
            (
                "runner:plugin/queue@0.2.0",
                "this Runner has version 0.1.0: build it with the SDK of this Runner, or run a \
                 newer one",
            ),
            (
                "wasi:logging/logging@0.2.0",
                "this Runner has version 0.1.0-draft: build it with a toolchain of that version",
            ),
            (
                "wasi:http/handler@0.3.0",
                "nearest here: \"wasi:http/outgoing-handler@0.2.12\" and \
                 \"runner:plugin/http@0.1.0\" send requests",
            ),
            (
                "wasi:keyvalue/store@0.2.0-draft",
                "nearest here: \"runner:plugin/kv@0.1.0\" keeps values that outlive the job",
            ),
            (
                "fermyon:spin/sqlite@2.0.0",
                "nearest here: \"runner:plugin/sql@0.1.0\" reaches the databases that are granted",
            ),
            (
                "runner:plugin/htpp@0.1.0",
                "did you mean \"runner:plugin/http@0.1.0\"?",
            ),
            (
                "wasi:cli/environmend@0.2.3",
                "did you mean \"wasi:cli/environment@0.2.12\"?",
            ),
            (
                "wasi:nn/graph@0.2.0-rc-2024-10-28",
                "docs/wasi.md lists what a plugin can import",
            ),
            (
                "acme:prices/lookup@1.0.0",
                "a plugin has what others provide in itself: `wac plug` links two components \
                 into one",
            ),
        ] {
            assert_eq!(nearest(import), says, "{import}");
        }
    }
}
