//! The way to a file: each link and directory that decides which file a path
//! stands for.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::stat::Stat;

/// As many links on the way to a file as the kernel follows.
const LINKS: usize = 40;

/// What is watched. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// The files with this extension in a directory and below it, except names that
    /// begin with a dot.
    Tree(PathBuf, &'static str),
    /// All files in a directory and below it, except in directories of these names, and
    /// names that begin with a dot.
    Source(PathBuf, &'static [&'static str]),
}

impl Place {
    /// By which its changes are told.
    pub fn path(&self) -> &Path {
        match self {
            Place::File(path) | Place::Tree(path, _) | Place::Source(path, _) => path,
        }
    }
}

/// Whether a name in a tree counts, and whether it is that of a directory.
type Wanted<'a> = &'a dyn Fn(&Path, bool) -> bool;

/// The files of a place that exist; those of a tree by their path in it.
pub(super) type Look = BTreeMap<PathBuf, Stat>;

/// All that lies on the way to the watched files.
#[derive(Default)]
pub(super) struct Way {
    /// Links, the files themselves, and the first name that is missing.
    names: HashSet<PathBuf>,
    /// Directories in which any name may matter.
    trees: HashSet<PathBuf>,
}

impl Way {
    /// Whether a change of this path can change what is found.
    pub(super) fn leads_by(&self, path: &Path) -> bool {
        let parent = path.parent();
        self.names.contains(path) || parent.is_some_and(|parent| self.trees.contains(parent))
    }

    /// The directories in which all of it happens.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        let holding = self.names.iter().filter_map(|name| name.parent());
        holding.chain(self.trees.iter().map(PathBuf::as_path))
    }

    /// Look at a place, and remember what lies on the way to it.
    pub(super) fn look(&mut self, place: &Place) -> Look {
        let mut look = Look::new();
        match place {
            Place::File(path) => {
                self.follow(path);
                look.extend(Stat::of(path).map(|stat| (path.clone(), stat)));
            }
            Place::Tree(directory, extension) => {
                let wanted = |name: &Path, is_directory: bool| {
                    is_directory || name.extension().is_some_and(|of| of == *extension)
                };
                self.tree(directory, &wanted, &mut look);
            }
            Place::Source(directory, without) => {
                let wanted = |name: &Path, is_directory: bool| {
                    let is = |of: &&str| name.file_name().is_some_and(|name| name == *of);
                    !is_directory || !without.iter().any(is)
                };
                self.tree(directory, &wanted, &mut look);
            }
        }
        look
    }

    fn tree(&mut self, directory: &Path, wanted: Wanted<'_>, look: &mut Look) {
        if let Some(directory) = self.follow(directory) {
            self.below(&directory, Path::new(""), wanted, look);
        }
    }

    fn below(&mut self, directory: &Path, name: &Path, wanted: Wanted<'_>, look: &mut Look) {
        let Ok(entries) = fs::read_dir(directory) else {
            return;
        };
        // A link may lead back.
        if !self.trees.insert(directory.to_owned()) {
            return;
        }
        for entry in entries.flatten() {
            if is_hidden(&entry.file_name()) {
                continue;
            }
            let Some(real) = self.follow(&entry.path()) else {
                continue;
            };
            let name = name.join(entry.file_name());
            let is_directory = real.is_dir();
            if !wanted(&name, is_directory) {
                continue;
            }
            if is_directory {
                self.below(&real, &name, wanted, look);
            } else {
                look.extend(Stat::of(&real).map(|stat| (name, stat)));
            }
        }
    }

    /// Go to a file link by link, and remember each link, the file's own name, or
    /// the first name that is missing. Returns where the file really is.
    fn follow(&mut self, path: &Path) -> Option<PathBuf> {
        let path = std::path::absolute(path).ok()?;
        let mut rest: VecDeque<OsString> = path.components().map(owned).collect();
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            if part == "." || part == ".." {
                if part == ".." {
                    at.pop();
                }
                continue;
            }
            let next = at.join(&part);
            let Ok(metadata) = fs::symlink_metadata(&next) else {
                self.names.insert(next);
                return None;
            };
            if !metadata.is_symlink() {
                at = next;
                continue;
            }
            let target = fs::read_link(&next);
            self.names.insert(next);
            links += 1;
            let target = target.ok().filter(|_| links <= LINKS)?;
            for part in target.components().rev() {
                rest.push_front(owned(part));
            }
        }
        self.names.insert(at.clone());
        Some(at)
    }
}

/// Joined to a path, the root leads there.
fn owned(part: Component<'_>) -> OsString {
    part.as_os_str().to_owned()
}

/// Whether a name begins with a dot, as what tools keep beside the files they write
/// does: `..data` of Kubernetes, `.git`, the swap files of editors.
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_go_round_end() {
        let directory = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
        std::os::unix::fs::symlink(&b, &a).unwrap();
        std::os::unix::fs::symlink("a", &b).unwrap();
        let mut way = Way::default();
        assert_eq!(way.follow(&a), None);
        let real = directory.path().canonicalize().unwrap();
        assert!(way.leads_by(&real.join("a")) && way.leads_by(&real.join("b")));
        // A tree that holds itself.
        fs::write(directory.path().join("x.wit"), "x").unwrap();
        fs::write(directory.path().join(".y.wit"), "x").unwrap();
        std::os::unix::fs::symlink(".", directory.path().join("round")).unwrap();
        let look = Way::default().look(&Place::Tree(real, "wit"));
        assert_eq!(look.keys().collect::<Vec<_>>(), [Path::new("x.wit")]);
    }

    #[test]
    fn a_source_is_all_but_what_tools_make_of_it() {
        let directory = tempfile::tempdir().unwrap();
        for file in ["a.c", "lib/b", "target/c", "lib/target/d", ".git/e"] {
            let file = directory.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let place = Place::Source(directory.path().to_owned(), &["target"]);
        let look = Way::default().look(&place);
        assert_eq!(
            look.keys().collect::<Vec<_>>(),
            [Path::new("a.c"), Path::new("lib/b")]
        );
    }
}
