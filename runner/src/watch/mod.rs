//! Tells which files have changed: plugins, `queues.toml`, contracts, secrets.
//!
//! Events make it quick, a look makes it sure. Every [`LOOK`], and at once when an
//! event names something of interest, the files are looked at, through all links
//! on the way; a change is told when the file has stayed as it is for a while. So
//! it does not matter how a file is exchanged (written in place, renamed over,
//! behind a link, with its whole directory, by a mount) nor whether the file
//! system has events at all: network file systems and overlays have not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

/// How often all files are looked at, whatever events say. A look is a few system
/// calls per file; people wait so long for a network file system.
pub const LOOK: Duration = Duration::from_secs(2);

/// What is gone, or empty, counts as gone after so long: many tools remove or
/// truncate a file before they write it.
pub const GONE: Duration = Duration::from_secs(2);

/// A file that has not changed for so long is taken as written. Compilers write in
/// pieces a few milliseconds apart; people notice no tenth of a second.
const QUIET: Duration = Duration::from_millis(100);

/// Between two looks, however many events there are.
const APART: Duration = Duration::from_millis(20);

/// As many links on the way to a file as the kernel follows.
const LINKS: usize = 40;

/// What is watched. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// The files with this extension in a directory and below, without names that
    /// begin with a dot.
    Tree(PathBuf, &'static str),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Place::File(path) | Place::Tree(path, _) => path,
        }
    }
}

/// Watches until it is dropped.
pub struct Watcher {
    state: Arc<Mutex<State>>,
    signals: Sender<Signal>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

enum Signal {
    Event(notify::Result<Event>),
    Stop,
}

impl Watcher {
    /// Call `changed`, from a thread of the watcher, with the places that changed,
    /// by the path they were named with. Watches nothing yet.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn start(changed: impl FnMut(&BTreeSet<PathBuf>) + Send + 'static) -> io::Result<Watcher> {
        let (signals, received) = channel();
        let state = Arc::new(Mutex::new(State::new(signals.clone())));
        let shared = state.clone();
        thread::Builder::new()
            .name("watch".into())
            .spawn(move || run(&shared, &received, changed))?;
        Ok(Watcher { state, signals })
    }

    /// Watch these places, as they are now, and no others. Whether there are new
    /// ones among them: what was read of those before may be old. Waits for the
    /// file system.
    pub fn watch(&self, places: BTreeSet<Place>) -> bool {
        let mut state = lock(&self.state);
        state.places.retain(|place, _| places.contains(place));
        let before = state.places.len();
        for place in places {
            state.places.entry(place).or_insert_with(Seen::new);
        }
        let new = state.places.len() > before;
        // What it finds is told by the thread, except of the new ones.
        state.look();
        new
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The thread has ended only if it panicked.
        let _ = self.signals.send(Signal::Stop);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(
    state: &Mutex<State>,
    signals: &Receiver<Signal>,
    mut changed: impl FnMut(&BTreeSet<PathBuf>),
) {
    let mut last = Instant::now();
    let mut next = last + LOOK;
    loop {
        match signals.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Signal::Event(event)) => {
                if lock(state).hear(event) {
                    next = next.min(last + APART);
                }
            }
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() < next {
            continue;
        }
        let (told, settled) = {
            let mut state = lock(state);
            state.look();
            state.take_settled()
        };
        if !told.is_empty() {
            changed(&told);
        }
        last = Instant::now();
        next = last + if settled { LOOK } else { QUIET };
    }
}

/// What is watched, and what it looked like.
struct State {
    places: BTreeMap<Place, Seen>,
    /// `None`: the system has no more, only looks remain.
    events: Option<RecommendedWatcher>,
    /// The directories whose events are heard, and which ones they were.
    armed: HashMap<PathBuf, (u64, u64)>,
    /// What an event must name to be of interest.
    names: HashSet<PathBuf>,
    /// Directories of which every name is of interest.
    trees: HashSet<PathBuf>,
}

/// The looks of a place.
struct Seen {
    /// When it was told last, or watched first. `None`: not looked at yet.
    told: Option<Look>,
    now: Look,
    since: Instant,
    /// Told again then, whatever it looks like.
    again: Option<Instant>,
}

/// The files of a place that exist; those of a tree by their path in it.
type Look = BTreeMap<PathBuf, Stat>;

impl Seen {
    fn new() -> Seen {
        Seen {
            told: None,
            now: Look::new(),
            since: Instant::now(),
            again: None,
        }
    }

    fn see(&mut self, look: Look) {
        match &self.told {
            None => {
                self.told = Some(look.clone());
                self.now = look;
            }
            Some(_) if self.now != look => {
                self.now = look;
                self.since = Instant::now();
            }
            Some(_) => {}
        }
    }

    /// Whether it has changed and is quiet again.
    fn is_due(&self) -> bool {
        if self.again.is_some_and(|at| at <= Instant::now()) {
            return true;
        }
        let Some(told) = self.told.as_ref().filter(|told| **told != self.now) else {
            return false;
        };
        let lost = told
            .iter()
            .any(|(path, stat)| !stat.is_empty() && self.now.get(path).is_none_or(Stat::is_empty));
        self.since.elapsed() >= if lost { GONE } else { QUIET }
    }

    fn is_settled(&self) -> bool {
        self.again.is_none() && self.told.as_ref() == Some(&self.now)
    }

    fn tell(&mut self) {
        // Another change may have the same time.
        let changed = self.told.as_ref() != Some(&self.now);
        let coarse = changed && self.now.values().any(Stat::is_coarse);
        self.again = coarse.then(|| Instant::now() + LOOK);
        self.told = Some(self.now.clone());
    }
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    /// Of the file itself: also when its time is set to an older one.
    changed: (i64, i64),
}

impl Stat {
    /// Of the file behind all links; `None` if there is none, or it cannot be seen.
    pub fn of(path: &Path) -> Option<Stat> {
        fs::metadata(path).ok().as_ref().map(Stat::new)
    }

    fn new(metadata: &Metadata) -> Stat {
        Stat {
            file: identity(metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Whether the file system counts whole seconds.
    fn is_coarse(&self) -> bool {
        self.modified.1 == 0 && self.changed.1 == 0
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl State {
    fn new(signals: Sender<Signal>) -> State {
        let events = notify::recommended_watcher(move |event| {
            // Nobody listens only while everything ends.
            let _ = signals.send(Signal::Event(event));
        });
        State {
            places: BTreeMap::new(),
            events: events.inspect_err(without_events).ok(),
            armed: HashMap::new(),
            names: HashSet::new(),
            trees: HashSet::new(),
        }
    }

    /// Whether the event is a reason to look.
    fn hear(&mut self, event: notify::Result<Event>) -> bool {
        let event = match event {
            Ok(event) if event.need_rescan() => return true,
            Ok(event) => event,
            Err(error) => {
                tracing::debug!(%error, "watching files");
                return true;
            }
        };
        if event.kind.is_access() {
            return false;
        }
        let mut concerns = false;
        for path in &event.paths {
            // A watched directory that went away or came is watched anew, even if
            // it is the one from before.
            let gone: Vec<PathBuf> = self
                .armed
                .keys()
                .filter(|dir| dir.starts_with(path))
                .cloned()
                .collect();
            for directory in gone {
                self.disarm(&directory);
                concerns = true;
            }
            let parent = path.parent();
            concerns |= self.names.contains(path)
                || parent.is_some_and(|parent| self.trees.contains(parent));
        }
        concerns
    }

    /// Look at everything, and hear of everything on the way to it.
    fn look(&mut self) {
        // What changed before its directory was heard of is seen the second time.
        loop {
            let mut way = Way::default();
            for (place, seen) in &mut self.places {
                seen.see(way.look(place));
            }
            let new = self.arm(&way);
            self.names = way.names;
            self.trees = way.trees;
            if !new {
                return;
            }
        }
    }

    /// The places that have changed and are quiet, and whether no other has
    /// changed.
    fn take_settled(&mut self) -> (BTreeSet<PathBuf>, bool) {
        let mut told = BTreeSet::new();
        for (place, seen) in &mut self.places {
            if seen.is_due() {
                seen.tell();
                told.insert(place.path().to_owned());
            }
        }
        (told, self.places.values().all(Seen::is_settled))
    }

    /// Hear of these directories and no others. Whether there are new ones.
    fn arm(&mut self, way: &Way) -> bool {
        let mut wanted = HashMap::new();
        let holding = way.names.iter().filter_map(|name| name.parent());
        for directory in holding.chain(way.trees.iter().map(PathBuf::as_path)) {
            if let Ok(metadata) = fs::metadata(directory) {
                wanted.insert(directory.to_owned(), identity(&metadata));
            }
        }
        let old: Vec<PathBuf> = self
            .armed
            .iter()
            .filter(|(directory, which)| wanted.get(*directory) != Some(which))
            .map(|(directory, _)| directory.clone())
            .collect();
        for directory in old {
            self.disarm(&directory);
        }
        let Some(events) = &mut self.events else {
            return false;
        };
        let mut new = false;
        for (directory, which) in wanted {
            if self.armed.contains_key(&directory) {
                continue;
            }
            match events.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(directory, which);
                    new = true;
                }
                Err(error) => without_events(&error),
            }
        }
        new
    }

    fn disarm(&mut self, directory: &Path) {
        self.armed.remove(directory);
        if let Some(events) = &mut self.events {
            // It is gone already if the directory is.
            let _ = events.unwatch(directory);
        }
    }
}

/// Say it once when the system has no more watches: looks are enough.
fn without_events(error: &notify::Error) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let is_limit = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => true,
        // EMFILE and ENFILE: no more instances.
        notify::ErrorKind::Io(error) => matches!(error.raw_os_error(), Some(23 | 24)),
        _ => false,
    };
    if is_limit && !TOLD.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the system has no more file watches (fs.inotify.max_user_watches, \
             fs.inotify.max_user_instances): files are looked at every {LOOK:?} all the same"
        );
    } else {
        tracing::debug!(%error, "watching files");
    }
}

/// What lies on the way to the files.
#[derive(Default)]
struct Way {
    names: HashSet<PathBuf>,
    trees: HashSet<PathBuf>,
}

impl Way {
    fn look(&mut self, place: &Place) -> Look {
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
        // A link may lead to where one has been.
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

    /// Go to a file link by link: each link is a name that may change, and so is the
    /// file's own, or the first that is missing. Where it is in the end.
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

/// Whether a name begins with a dot: what tools keep beside the files they write
/// (`..data` of Kubernetes, `.git`, the swap files of editors).
pub fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_in_whole_seconds_is_told_again() {
        let look = |size, part| {
            let stat = Stat {
                file: (1, 2),
                size,
                modified: (1_700_000_000, part),
                changed: (1_700_000_000, part),
            };
            Look::from([(PathBuf::from("a"), stat)])
        };
        for (part, again) in [(0, true), (5, false)] {
            let mut seen = Seen::new();
            seen.see(look(1, part));
            assert!(seen.is_settled() && !seen.is_due());
            seen.see(look(2, part));
            assert!(
                !seen.is_settled() && !seen.is_due(),
                "it may still be written"
            );
            seen.since -= QUIET;
            assert!(seen.is_due());
            seen.tell();
            assert_eq!(seen.again.is_some(), again);
            seen.again = seen.again.map(|at| at - LOOK);
            assert_eq!(seen.is_due(), again);
            seen.tell();
            assert!(seen.is_settled(), "once is enough");
        }
    }

    #[test]
    fn what_is_gone_or_empty_is_told_later() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        let place = Place::File(file.clone());
        fs::write(&file, "text").unwrap();
        let mut seen = Seen::new();
        seen.see(Way::default().look(&place));
        for empty in [true, false] {
            match empty {
                true => fs::write(&file, "").unwrap(),
                false => fs::remove_file(&file).unwrap(),
            }
            seen.see(Way::default().look(&place));
            seen.since -= QUIET;
            assert!(!seen.is_due());
            seen.since -= GONE;
            assert!(seen.is_due());
        }
    }

    #[test]
    fn links_that_go_round_end() {
        let directory = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
        std::os::unix::fs::symlink(&b, &a).unwrap();
        std::os::unix::fs::symlink("a", &b).unwrap();
        let mut way = Way::default();
        assert_eq!(way.follow(&a), None);
        let real = directory.path().canonicalize().unwrap();
        assert!(way.names.contains(&real.join("a")) && way.names.contains(&real.join("b")));
        // A tree that holds itself.
        fs::write(directory.path().join("x.wit"), "x").unwrap();
        fs::write(directory.path().join(".y.wit"), "x").unwrap();
        std::os::unix::fs::symlink(".", directory.path().join("round")).unwrap();
        let look = Way::default().look(&Place::Tree(real, "wit"));
        assert_eq!(look.keys().collect::<Vec<_>>(), [Path::new("x.wit")]);
    }
}
