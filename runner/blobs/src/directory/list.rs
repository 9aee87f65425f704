//! The objects of a directory in the order of their keys. A page reads only the
//! directories that it needs, each as a whole, since a file system has no order.

use std::io;

use cap_std::fs::Dir;

use super::metadata;
use crate::key::{UPLOADS, check};
use crate::{Metadata, Page};

/// What is looked for.
struct Search<'a> {
    dir: &'a Dir,
    prefix: &'a str,
    /// The last key of the page before.
    after: &'a str,
    limit: usize,
    found: Vec<Metadata>,
}

pub(super) fn list(
    dir: &Dir,
    prefix: &str,
    cursor: Option<&str>,
    limit: usize,
) -> io::Result<Page> {
    let mut search = Search {
        dir,
        prefix,
        after: cursor.unwrap_or_default(),
        // One more tells whether there is another page.
        limit: limit + 1,
        found: Vec::new(),
    };
    search.walk("")?;
    let mut objects = search.found;
    let more = objects.len() > limit;
    objects.truncate(limit);
    let last = objects.last().map(|object| object.key.clone());
    Ok(Page {
        objects,
        cursor: last.filter(|_| more),
    })
}

impl Search<'_> {
    /// The objects in the directory whose keys begin with `above`, which is empty or ends
    /// with a slash.
    fn walk(&mut self, above: &str) -> io::Result<()> {
        let entries = match above {
            "" => self.dir.entries()?,
            above => match self.dir.read_dir(above) {
                Ok(entries) => entries,
                // Gone since, or not for us.
                Err(_) => return Ok(()),
            },
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let directory = entry.file_type()?.is_dir();
            if above.is_empty() && name == UPLOADS {
                continue;
            }
            // As the keys in it begin, so that it sorts among them.
            names.push(match directory {
                true => format!("{above}{name}/"),
                false => format!("{above}{name}"),
            });
        }
        names.sort_unstable();
        for name in names {
            if self.found.len() >= self.limit {
                break;
            }
            match name.ends_with('/') {
                true if self.leads_on(&name) => self.walk(&name)?,
                true => {}
                false => self.take(name),
            }
        }
        Ok(())
    }

    /// Whether keys that begin with the name of this directory are looked for.
    fn leads_on(&self, directory: &str) -> bool {
        let wanted = directory.starts_with(self.prefix) || self.prefix.starts_with(directory);
        wanted && (directory > self.after || self.after.starts_with(directory))
    }

    fn take(&mut self, key: String) {
        if key.as_str() <= self.after || !key.starts_with(self.prefix) || check(&key).is_err() {
            return;
        }
        // A link that leads out or nowhere is no object, and so is no FIFO.
        if let Ok(found) = self.dir.metadata(&key)
            && found.is_file()
        {
            self.found.push(metadata(&key, &found));
        }
    }
}
