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
}

impl Place {
    pub(super) fn path(&self) -> &Path {
        match self {
            Place::File(path) | Place::Tree(path, _) => path,
        }
    }
}

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
                if let Some(directory) = self.follow(directory) {
                    self.below(&directory, Path::new(""), extension, &mut look);
                }
            }
        }
        look
    }

    fn below(&mut self, directory: &Path, name: &Path, extension: &str, look: &mut Look) {
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
            if real.is_dir() {
                self.below(&real, &name, extension, look);
            } else if name.extension().is_some_and(|of| of == extension) {
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
}
