//! What of the outside a component can import, by name: the linker cannot be asked.

use super::config::CONFIG;
use super::logging::LOGGING;

/// The interfaces of one package.
#[derive(Debug)]
pub struct Package {
    /// `wasi:cli`.
    pub name: &'static str,
    /// The version that is linked; any other of the same minor version is as good.
    pub version: &'static str,
    /// `environment`, …
    pub interfaces: &'static [&'static str],
}

/// Runner's own API and WASI 0.2. A test proves that each is linked.
pub const PACKAGES: &[Package] = &[
    Package {
        name: "runner:plugin",
        version: "0.1.0",
        interfaces: &[
            "blobs",
            "checkpoint",
            "config",
            "http",
            "job",
            "kv",
            "log",
            "outcome",
            "progress",
            "queue",
            "sql",
        ],
    },
    Package {
        name: "wasi:cli",
        version: "0.2.12",
        interfaces: &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    },
    Package {
        name: "wasi:clocks",
        version: "0.2.12",
        interfaces: &["monotonic-clock", "wall-clock"],
    },
    Package {
        name: "wasi:filesystem",
        version: "0.2.12",
        interfaces: &["preopens", "types"],
    },
    Package {
        name: "wasi:http",
        version: "0.2.12",
        interfaces: &["outgoing-handler", "types"],
    },
    Package {
        name: "wasi:io",
        version: "0.2.12",
        interfaces: &["error", "poll", "streams"],
    },
    Package {
        name: "wasi:random",
        version: "0.2.12",
        interfaces: &["insecure", "insecure-seed", "random"],
    },
    Package {
        name: "wasi:sockets",
        version: "0.2.12",
        interfaces: &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    },
];

/// Drafts, which are linked in just these versions.
pub fn drafts() -> impl Iterator<Item = &'static str> {
    LOGGING.into_iter().chain(CONFIG)
}

/// Whether a component can import the interface of this name.
pub fn offers(import: &str) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    let of = |package: &Package| {
        let name = interface.strip_prefix(package.name)?.strip_prefix('/')?;
        let known = package.interfaces.contains(&name);
        (known && minor(version).is_some_and(|of| Some(of) == minor(package.version))).then_some(())
    };
    drafts().any(|draft| draft == import) || PACKAGES.iter().any(|package| of(package).is_some())
}

/// `0.2` of `0.2.12`; none of a draft, which is like no other version.
fn minor(version: &str) -> Option<&str> {
    let (minor, patch) = version.rsplit_once('.')?;
    patch.parse::<u32>().is_ok().then_some(minor)
}

#[cfg(test)]
mod tests {
    use super::offers;

    #[test]
    fn versions_of_one_minor_are_the_same() {
        for offered in [
            "wasi:cli/environment@0.2.0",
            "wasi:cli/environment@0.2.12",
            "wasi:cli/environment@0.2.13",
            "runner:plugin/http@0.1.7",
            "wasi:logging/logging",
            "wasi:config/runtime@0.2.0-draft",
        ] {
            assert!(offers(offered), "{offered}");
        }
        for unknown in [
            "wasi:cli/environment",
            "wasi:cli/environment@0.3.0",
            "wasi:cli/environment@0.2.0-rc-2023-12-05",
            "wasi:cli/environ@0.2.0",
            "wasi:cli@0.2.0",
            "runner:plugin/http@0.2.0",
            "wasi:logging/logging@0.1.0",
            "environment",
        ] {
            assert!(!offers(unknown), "{unknown}");
        }
    }
}
