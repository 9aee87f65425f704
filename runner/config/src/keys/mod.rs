//! What each key of `queues.toml` is, said once: its name, its field, how it is
//! written, and a line for people.
//!
//! From these lists are made: reading and the check for unknown keys (`load/`), the
//! warnings about keys without effect, `runner explain`, what a reload changes, and
//! the tables of `docs/configuration.md`. A new key is a field and one entry here; a
//! new table is a file here and its line in [`reference`]. Nothing here knows where
//! a table stands in the file: that is up to `load/`.

pub(super) mod access;
pub(super) mod backoff;
pub(super) mod blobs;
pub(super) mod job;
mod kind;
pub(super) mod kv;
pub(super) mod plugin;
pub(super) mod queue;
pub(super) mod redis;
mod reference;
pub(super) mod route;
pub(super) mod runtime;
pub(super) mod schedule;
pub(super) mod server;
pub(super) mod sql;
pub(super) mod traces;
pub(super) mod webhook;

pub(super) use self::kind::Kind;
pub(super) use self::reference::is_known;
pub use self::reference::reference;

use super::Queue;
use super::decode::{Decoder, Table};
use super::origins::join;
use super::value::{Fault, Raw};

/// The tables of the file.
pub(super) const ROOT: [&str; 10] = [
    "redis",
    "runtime",
    "server",
    "traces",
    "defaults",
    "backoff",
    "queues",
    "plugins",
    "schedules",
    "routes",
];
/// `[defaults]`
pub(super) const DEFAULTS: [&str; 2] = ["job", "queue"];

/// What people are told about a key.
pub(super) struct About {
    pub(super) name: &'static str,
    /// What it is for, in Markdown.
    pub(super) help: &'static str,
    /// How it is written: `duration, from 1s`.
    pub(super) unit: String,
    /// As it is written, or in words.
    pub(super) default: String,
    /// As it is written.
    pub(super) example: &'static str,
    /// Environment variables that override the file; the first that is set counts.
    pub(super) env: &'static [&'static str],
    /// Without this the key has no effect.
    pub(super) needs: Needs,
    /// Whether `[defaults.queue]` may have it.
    pub(super) inherited: bool,
    /// Whether its value may be a secret, which is never shown.
    pub(super) sensitive: bool,
}

/// What a queue must have so that a key has an effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// A plugin that handles some of its jobs.
    Plugin,
    Contract,
    /// One of the two.
    PluginOrContract,
}

impl About {
    pub(super) fn help(&mut self, example: &'static str, help: &'static str) -> &mut Self {
        (self.example, self.help) = (example, help);
        self
    }

    pub(super) fn env(&mut self, names: &'static [&'static str]) -> &mut Self {
        self.env = names;
        self
    }

    /// The default in words, where it is not that of the field.
    pub(super) fn default(&mut self, text: &str) -> &mut Self {
        self.default = text.to_owned();
        self
    }

    pub(super) fn needs(&mut self, needs: Needs) -> &mut Self {
        self.needs = needs;
        self
    }

    pub(super) fn inherited(&mut self) -> &mut Self {
        self.inherited = true;
        self
    }

    pub(super) fn sensitive(&mut self) {
        self.sensitive = true;
    }

    /// Why the key has no effect in this queue, if it has none.
    pub(super) fn unused(&self, queue: &Queue) -> Option<&'static str> {
        let (plugin, contract) = (queue.is_consumed(), queue.base.contract.is_some());
        match self.needs {
            Needs::Contract if !contract => Some(" without `contract`"),
            Needs::Plugin if !plugin => Some(": no plugin handles this queue"),
            Needs::PluginOrContract if !plugin && !contract => {
                Some(": no plugin handles this queue")
            }
            _ if self.name == "reuse_idle" && !queue.reuses() => Some(" without `reuse`"),
            _ if self.name == "unrouted" && queue.base.plugin.is_some() => {
                Some(": its plugin handles every name")
            }
            _ => None,
        }
    }
}

type Show<T> = Box<dyn Fn(&T) -> Option<String> + Send + Sync>;
type Differs<T> = Box<dyn Fn(&T, &T) -> bool + Send + Sync>;
type ReadValue<T> = Box<dyn Fn(Raw<'_>, &mut T) -> Result<(), Fault> + Send + Sync>;

/// A key of a table whose values are the fields of `T`.
pub(super) struct Key<T> {
    pub(super) about: About,
    read: Read<T>,
    /// The value for people; `None` where it says nothing.
    pub(super) show: Show<T>,
    pub(super) differs: Differs<T>,
}

enum Read<T> {
    /// One value, in the file or the environment.
    Value(ReadValue<T>),
    /// From the table that has the key: a table of its own.
    Table(fn(&mut Decoder<'_>, &Table<'_>, &mut T)),
    /// In `load/`, because it takes more than the table to read it.
    Elsewhere,
}

/// The keys of a table, in the order in which they are shown.
pub(super) struct Keys<T>(pub(super) Vec<Key<T>>);

impl<T: Clone + Default + 'static> Keys<T> {
    pub(super) fn new(add: fn(&mut Self)) -> Self {
        let mut keys = Self(Vec::new());
        add(&mut keys);
        keys
    }

    /// A key with one value.
    pub(super) fn value<V: PartialEq + 'static>(
        &mut self,
        name: &'static str,
        kind: Kind<V>,
        field: fn(&mut T) -> &mut V,
    ) -> &mut About {
        let Kind {
            unit,
            read,
            show,
            quoted,
        } = kind;
        // The field is reached by `&mut` only, so looking takes a copy.
        let show = move |of: &T| show(field(&mut of.clone()));
        let default = show(&T::default());
        let default = match quoted {
            true => format!("`\"{default}\"`"),
            false => format!("`{default}`").replace("`none`", "none"),
        };
        self.0.push(Key {
            about: about(name, unit, default),
            read: Read::Value(Box::new(move |raw, into| {
                *field(into) = read(raw)?;
                Ok(())
            })),
            show: Box::new(move |of| Some(show(of))),
            differs: Box::new(move |one, other| {
                field(&mut one.clone()) != field(&mut other.clone())
            }),
        });
        self.last()
    }

    /// A key that is a table of its own.
    pub(super) fn table(
        &mut self,
        name: &'static str,
        unit: &str,
        read: fn(&mut Decoder<'_>, &Table<'_>, &mut T),
        show: fn(&T) -> Option<String>,
    ) -> &mut About {
        self.push(name, unit, Read::Table(read), show)
    }

    /// A key that `load/` reads.
    pub(super) fn elsewhere(
        &mut self,
        name: &'static str,
        unit: &str,
        show: fn(&T) -> Option<String>,
    ) -> &mut About {
        self.push(name, unit, Read::Elsewhere, show)
    }

    fn push(
        &mut self,
        name: &'static str,
        unit: &str,
        read: Read<T>,
        show: fn(&T) -> Option<String>,
    ) -> &mut About {
        self.0.push(Key {
            about: about(name, unit.to_owned(), "none".to_owned()),
            read,
            show: Box::new(show),
            differs: Box::new(move |one, other| show(one) != show(other)),
        });
        self.last()
    }

    fn last(&mut self) -> &mut About {
        let last = self.0.len() - 1;
        &mut self.0[last].about
    }

    pub(super) fn abouts(&self) -> impl Iterator<Item = &About> {
        self.0.iter().map(|key| &key.about)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.abouts().map(|about| about.name)
    }

    /// Take over what the table says.
    pub(super) fn read(&self, decoder: &mut Decoder<'_>, table: &Table<'_>, into: &mut T) {
        for key in &self.0 {
            let name = key.about.name;
            match &key.read {
                Read::Value(read) => {
                    decoder.value(table, name, |raw| read(raw, into));
                }
                Read::Table(read) if table.get(name).is_some() => read(decoder, table, into),
                Read::Table(_) | Read::Elsewhere => {}
            }
        }
    }

    /// Take over what the environment says about the table at this path.
    pub(super) fn read_env(&self, decoder: &mut Decoder<'_>, path: &str, into: &mut T) {
        for key in &self.0 {
            if let Read::Value(read) = &key.read {
                let path = join(path, key.about.name);
                decoder.env_value(&path, key.about.env, |raw| read(raw, into));
            }
        }
    }

    /// What a table leaves out comes from the table at `from`.
    pub(super) fn inherit(&self, decoder: &mut Decoder<'_>, path: &str, from: &str) {
        for name in self.names() {
            decoder
                .origins
                .inherit(&join(path, name), &join(from, name));
        }
    }
}

fn about(name: &'static str, unit: String, default: String) -> About {
    About {
        name,
        help: "",
        unit,
        default,
        example: "",
        env: &[],
        needs: Needs::Nothing,
        inherited: false,
        sensitive: false,
    }
}
