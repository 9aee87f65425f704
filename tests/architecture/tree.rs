//! The modules of `runner` and of the crates in its folder, read as the compiler finds
//! them: from `lib.rs` and `main.rs` along their `mod` lines, without what is compiled
//! for tests only. The crate `runner-config` is read as a module `config`.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;
use syn::{Item, Visibility};

use super::at;
use super::names::{self, Brought, Name};

/// Where all of it is: its own source in `src`, that of a crate in `<crate>/src`.
pub(crate) const SOURCE: &str = "runner";

/// The names from the root of `runner` to a module.
pub(crate) type Path = Vec<String>;

#[derive(Default)]
pub(crate) struct Module {
    /// Below `runner`.
    pub(crate) file: String,
    children: BTreeSet<String>,
    /// What it defines itself.
    defined: BTreeSet<String>,
    uses: Vec<Use>,
    /// Names that its code mentions outside `use`.
    mentioned: Vec<Name>,
}

struct Use {
    /// What it is called here; `None` for a `*`.
    called: Option<String>,
    name: Name,
    /// Private ones are there to be mentioned; public ones offer a name to others.
    private: bool,
}

/// One place that needs what another file defines.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) line: usize,
    pub(crate) to: String,
}

pub(crate) struct Tree {
    modules: BTreeMap<Path, Module>,
    /// Modules that are crates.
    crates: BTreeSet<String>,
}

/// Where a name leads to.
enum Found {
    /// A module, or something that it defines.
    Inside { module: Path, itself: bool },
    /// Another crate.
    Library(String),
}

impl Tree {
    pub(crate) fn read() -> Tree {
        let manifests = std::fs::read_dir(at(SOURCE)).unwrap();
        let crates = manifests
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("Cargo.toml").exists())
            .map(|entry| entry.file_name().into_string().unwrap());
        let mut tree = Tree {
            modules: BTreeMap::new(),
            crates: crates.collect(),
        };
        tree.file(Vec::new(), "src/lib.rs", "src/");
        tree.file(vec!["main".into()], "src/main.rs", "src/");
        for name in tree.crates.clone() {
            let folder = format!("{name}/src/");
            tree.file(vec![name], &format!("{folder}lib.rs"), &folder);
        }
        tree
    }

    /// Read a file and those below it; its children are in `folder`.
    fn file(&mut self, path: Path, file: &str, folder: &str) {
        let name = format!("{SOURCE}/{file}");
        let text = std::fs::read_to_string(at(&name)).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.module(path, file, folder, &parsed.items);
    }

    fn module(&mut self, path: Path, file: &str, folder: &str, items: &[Item]) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        for item in items.iter().filter(|item| !names::for_tests(item)) {
            match item {
                Item::Use(item) => {
                    let private = matches!(item.vis, Visibility::Inherited);
                    let outside = item.leading_colon.is_some();
                    for Brought {
                        parts,
                        called,
                        line,
                    } in names::brought(&item.tree)
                    {
                        let name = Name {
                            parts,
                            line,
                            outside,
                        };
                        module.uses.push(Use {
                            called,
                            name,
                            private,
                        });
                    }
                }
                Item::Mod(item) => {
                    let child = item.ident.to_string();
                    let below = [&path[..], std::slice::from_ref(&child)].concat();
                    let inside = format!("{folder}{child}/");
                    match &item.content {
                        Some((_, items)) => self.module(below, file, &inside, items),
                        None => {
                            let flat = format!("{folder}{child}.rs");
                            let head = format!("{inside}mod.rs");
                            let is_flat = at(&format!("{SOURCE}/{flat}")).exists();
                            self.file(below, if is_flat { &flat } else { &head }, &inside);
                        }
                    }
                    module.children.insert(child);
                }
                other => {
                    module.defined.extend(names::defined(other));
                    let mut mentions = names::Mentions(Vec::new());
                    mentions.visit_item(other);
                    module.mentioned.extend(mentions.0);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// Every import between two files of the crate.
    pub(crate) fn imports(&self) -> BTreeSet<Import> {
        let mut all = BTreeSet::new();
        self.each(|module, line, found| {
            if let Found::Inside { module: path, .. } = found {
                let to = &self.modules[path].file;
                if *to != module.file {
                    all.insert(Import {
                        from: module.file.clone(),
                        line,
                        to: to.clone(),
                    });
                }
            }
        });
        all
    }

    /// Every file that names a library, with the line.
    pub(crate) fn libraries(&self) -> BTreeSet<(String, String, usize)> {
        let mut all = BTreeSet::new();
        self.each(|module, line, found| {
            if let Found::Library(library) = found {
                all.insert((library.clone(), module.file.clone(), line));
            }
        });
        all
    }

    /// What each module needs: its private `use` lines, and what its code names. What it
    /// only offers to others under its own name is not needed here, and neither is a
    /// module that is brought in to name what is below it.
    fn each(&self, mut told: impl FnMut(&Module, usize, &Found)) {
        for (path, module) in &self.modules {
            for used in &module.uses {
                let found = self.find(path, &used.name, used.called.as_deref());
                match found {
                    Some(found @ Found::Library(_)) => told(module, used.name.line, &found),
                    Some(Found::Inside { module: to, itself }) => {
                        let offered = !used.private && to.starts_with(path);
                        if !offered && (!itself || used.called.is_none()) {
                            let found = Found::Inside { module: to, itself };
                            told(module, used.name.line, &found);
                        }
                    }
                    None => {}
                }
            }
            for name in &module.mentioned {
                match self.find(path, name, None) {
                    // A variable that is called as a module is.
                    None | Some(Found::Inside { itself: true, .. }) => {}
                    Some(found) => told(module, name.line, &found),
                }
            }
        }
    }

    /// Where a name that is written in a module leads to; `called` is what the `use` that
    /// is looked at calls it, which cannot be found by way of itself.
    fn find(&self, path: &[String], name: &Name, called: Option<&str>) -> Option<Found> {
        let mut at = path.to_vec();
        let mut rest = &name.parts[..];
        match rest[0].as_str() {
            "crate" => (at, rest) = (self.root(path), &rest[1..]),
            // The binary sees the library as another crate.
            "runner" if path == ["main"] => (at, rest) = (Vec::new(), &rest[1..]),
            first if self.of_crate(first).is_some() => {
                (at, rest) = (vec![self.of_crate(first)?], &rest[1..]);
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let known = !name.outside && self.modules[path].knows(first, called);
                if !known {
                    return (rest.len() > 1 || called.is_some())
                        .then(|| Found::Library(first.to_owned()));
                }
            }
        }
        self.follow(at, rest, 0)
    }

    /// The root of the crate that a module belongs to.
    fn root(&self, path: &[String]) -> Path {
        let first = path.first().filter(|first| self.crates.contains(*first));
        first.cloned().into_iter().collect()
    }

    /// `config` for `runner_config`.
    fn of_crate(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("runner_")?;
        self.crates.contains(name).then(|| name.to_owned())
    }

    fn follow(&self, mut at: Path, mut rest: &[String], depth: usize) -> Option<Found> {
        loop {
            let module = &self.modules[&at];
            let Some(part) = rest.first().filter(|part| *part != "self") else {
                return Some(Found::Inside {
                    module: at,
                    itself: true,
                });
            };
            if module.children.contains(part) {
                at.push(part.clone());
                rest = &rest[1..];
                continue;
            }
            let here = Some(Found::Inside {
                module: at.clone(),
                itself: false,
            });
            if module.defined.contains(part) || depth > 16 {
                return here;
            }
            // By the name that a `use` gives it here, or by a `*` of this crate.
            let mut uses = module.uses.iter();
            if let Some(used) = uses.find(|used| used.called.as_ref() == Some(part)) {
                let parts = [&used.name.parts[..], &rest[1..]].concat();
                return self.again(&at, used, parts, depth);
            }
            for used in module.uses.iter().filter(|used| used.called.is_none()) {
                let parts = [&used.name.parts[..], rest].concat();
                if let Some(found @ Found::Inside { itself: false, .. }) =
                    self.again(&at, used, parts, depth)
                    && let Found::Inside { module, .. } = &found
                    && self.modules[module].defined.contains(part)
                {
                    return Some(found);
                }
            }
            return here;
        }
    }

    fn again(&self, at: &[String], used: &Use, parts: Vec<String>, depth: usize) -> Option<Found> {
        let (mut from, mut skip) = (at.to_vec(), 0);
        match parts[0].as_str() {
            "crate" => (from, skip) = (self.root(at), 1),
            first if self.of_crate(first).is_some() => {
                (from, skip) = (vec![self.of_crate(first)?], 1);
            }
            "self" => skip = 1,
            "super" => {
                while parts.get(skip).is_some_and(|part| part == "super") {
                    from.pop();
                    skip += 1;
                }
            }
            first if used.name.outside || !self.modules[at].children.contains(first) => {
                return Some(Found::Library(first.to_owned()));
            }
            _ => {}
        }
        self.follow(from, &parts[skip..], depth + 1)
    }
}

impl Module {
    /// Is this a name of the crate, as seen from here?
    fn knows(&self, name: &str, called: Option<&str>) -> bool {
        self.children.contains(name)
            || (called.is_none() && self.defined.contains(name))
            || self
                .uses
                .iter()
                .any(|used| used.called.as_deref() == Some(name) && called != Some(name))
    }
}
