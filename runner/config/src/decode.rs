//! Walks a TOML document and collects all mistakes in one go.
//!
//! A [`Table`] knows its valid keys: any other key is a mistake, with the one
//! that was most likely meant. Reading a value records where it came from; a
//! value that is refused is reported and reads as absent, so that the walk goes
//! on.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::env::Env;
use super::origins::{Origins, Source, join};
use super::problem::{Problem, Problems, nearest};
use super::sources::Sources;
use super::value::{Fault, Raw, fault};

/// What one reading of the configuration has found so far.
pub(super) struct Decoder<'a> {
    /// The directory of the file; relative paths start here.
    pub(super) dir: &'a Path,
    /// The name of the file, for warnings.
    pub(super) file: &'a str,
    pub(super) env: &'a Env,
    /// Whether what a grant needs and this machine has not gets a stand-in.
    pub(super) dev: bool,
    pub(super) problems: Problems,
    pub(super) warnings: Vec<String>,
    pub(super) origins: Origins,
    /// What was read beside the file.
    pub(super) sources: Sources,
    /// Whether a key of this name may stand somewhere in the file.
    known: fn(&str) -> bool,
    /// Where each line of the file begins.
    lines: Vec<usize>,
}

/// A table of the file.
pub(super) struct Table<'t> {
    /// Its path, `queues.otp-queue`.
    pub(super) path: String,
    /// In the order of the file.
    pub(super) entries: Vec<Entry<'t>>,
    /// Of the header or of the whole inline table.
    pub(super) span: Range<usize>,
}

/// One key with its value.
#[derive(Clone)]
pub(super) struct Entry<'t> {
    pub(super) key: &'t str,
    pub(super) key_span: Range<usize>,
    pub(super) value: &'t DeValue<'t>,
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    fn new(path: String, table: &'t DeTable<'t>, span: Range<usize>) -> Self {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                key_span: key.span(),
                value: value.get_ref(),
                span: value.span(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Self {
            path,
            entries,
            span,
        }
    }

    pub(super) fn root(document: &'t Spanned<DeTable<'t>>) -> Self {
        Self::new(String::new(), document.get_ref(), document.span())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry<'t>> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl<'a> Decoder<'a> {
    pub(super) fn new(
        dir: &'a Path,
        file: &'a str,
        source: &'a str,
        env: &'a Env,
        known: fn(&str) -> bool,
    ) -> Self {
        let after_breaks = source.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            dir,
            file,
            env,
            dev: false,
            problems: Problems::new(file.to_owned(), source),
            warnings: Vec::new(),
            origins: Origins::default(),
            sources: Sources::default(),
            known,
            lines: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// Whether a key in a wrong place may be a secret that has lost its table: a text
    /// under a name that means nothing here.
    pub(super) fn may_be_secret(&self, entry: &Entry<'_>) -> bool {
        // Shorter ones are no secrets.
        let long = entry.value.as_str().is_some_and(|text| text.len() > 5);
        long && !(self.known)(entry.key)
    }

    /// The line, from 1, of a place in the file.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// Says something about a place that is no mistake.
    pub(super) fn warn(&mut self, at: usize, text: impl std::fmt::Display) {
        let line = self.line(at);
        self.warnings.push(format!("{}:{line}: {text}", self.file));
    }

    /// A mistake at a place.
    pub(super) fn refuse(&mut self, span: Range<usize>, subject: &str, fault: Fault) {
        self.problems.push(Problem {
            message: format!("`{subject}` {}", fault.message),
            span: Some(span),
            label: fault.hint,
            help: None,
        });
    }

    /// A mistake outside the file.
    pub(super) fn refuse_outside(&mut self, subject: &str, fault: Fault) {
        self.problems.push(Problem {
            message: format!("{subject} {}", fault.message),
            span: None,
            label: fault.hint,
            help: None,
        });
    }

    /// Reports each key that is not in `valid`.
    pub(super) fn only(
        &mut self,
        table: &Table<'_>,
        valid: impl IntoIterator<Item = &'static str>,
    ) {
        let valid: Vec<&str> = valid.into_iter().collect();
        let place = match table.path.as_str() {
            "" => "this file".to_owned(),
            path => format!("`{path}`"),
        };
        for entry in &table.entries {
            if valid.contains(&entry.key) {
                continue;
            }
            let label = match nearest(entry.key, valid.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "unknown key".to_owned(),
            };
            // Our keys have no capitals, the names of variables have.
            let strange = entry.key.bytes().any(|b| b.is_ascii_uppercase());
            if (label == "unknown key" || strange) && self.may_be_secret(entry) {
                self.problems.mask(entry.span.clone());
            }
            self.problems.push(Problem {
                message: format!("unknown key `{}` in {place}", entry.key),
                span: Some(entry.key_span.clone()),
                label,
                help: Some(format!("valid keys: {}", valid.join(", "))),
            });
        }
    }

    /// The table under this key, its keys checked.
    pub(super) fn table<'t>(
        &mut self,
        parent: &Table<'t>,
        key: &str,
        valid: impl IntoIterator<Item = &'static str>,
    ) -> Option<Table<'t>> {
        let table = self.free_table(parent, key)?;
        self.only(&table, valid);
        Some(table)
    }

    /// The table under this key, whose keys are names the user chose.
    pub(super) fn free_table<'t>(&mut self, parent: &Table<'t>, key: &str) -> Option<Table<'t>> {
        let entry = parent.get(key)?.clone();
        self.as_table(&entry, join(&parent.path, key))
    }

    /// The entry as a table.
    pub(super) fn as_table<'t>(&mut self, entry: &Entry<'t>, path: String) -> Option<Table<'t>> {
        if let Some(table) = entry.value.as_table() {
            return Some(Table::new(path, table, entry.span.clone()));
        }
        let fault = Raw::Toml(entry.value).is_not("a table", format!("write [{path}] or {{ … }}"));
        self.refuse(entry.span.clone(), &path, fault);
        None
    }

    /// The tables of the list under this key; the path of each has its number.
    pub(super) fn tables<'t>(&mut self, parent: &Table<'t>, key: &str) -> Vec<Table<'t>> {
        let Some(entry) = parent.get(key) else {
            return Vec::new();
        };
        let path = join(&parent.path, key);
        let items = entry.value.as_array().map(|list| list.iter().enumerate());
        let Some(items) = items else {
            let fault =
                Raw::Toml(entry.value).is_not("a list of tables", format!("write [[{path}]]"));
            self.refuse(entry.span.clone(), &path, fault);
            return Vec::new();
        };
        let tables = items.filter_map(|(at, item)| {
            let entry = Entry {
                value: item.get_ref(),
                span: item.span(),
                ..entry.clone()
            };
            self.as_table(&entry, format!("{path}[{at}]"))
        });
        tables.collect()
    }

    /// The value under this key, if there is one and `read` takes it.
    pub(super) fn value<T>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        read: impl FnOnce(Raw<'_>) -> Result<T, Fault>,
    ) -> Option<T> {
        let entry = table.get(key)?.clone();
        let path = join(&table.path, key);
        match read(Raw::Toml(entry.value)) {
            Ok(value) => {
                let line = self.line(entry.key_span.start);
                self.origins.set(path, Source::File(line));
                Some(value)
            }
            Err(fault) => {
                self.refuse(entry.span, &path, fault);
                None
            }
        }
    }

    /// The value of the first of these environment variables that is set.
    pub(super) fn env_value<T>(
        &mut self,
        path: &str,
        names: &[&'static str],
        read: impl FnOnce(Raw<'_>) -> Result<T, Fault>,
    ) -> Option<T> {
        let (name, text) = names
            .iter()
            .find_map(|name| self.env.get(name).map(|text| (*name, text)))?;
        match read(Raw::Text(text)) {
            Ok(value) => {
                self.origins.set(path.to_owned(), Source::Env(name));
                Some(value)
            }
            Err(fault) => {
                self.refuse_outside(&format!("environment variable {name}"), fault);
                None
            }
        }
    }

    /// Notes that a flag has won.
    pub(super) fn note_flag(&mut self, path: &str, flag: &'static str) {
        self.origins.set(path.to_owned(), Source::Flag(flag));
    }

    /// The value of a flag.
    pub(super) fn flag_value<T>(
        &mut self,
        path: &str,
        flag: &'static str,
        text: &str,
        read: impl FnOnce(Raw<'_>) -> Result<T, Fault>,
    ) -> Option<T> {
        match read(Raw::Text(text)) {
            Ok(value) => {
                self.note_flag(path, flag);
                Some(value)
            }
            Err(fault) => {
                self.refuse_outside(flag, fault);
                None
            }
        }
    }

    /// Both keys or neither are there.
    pub(super) fn both(&mut self, table: &Table<'_>, one: &str, other: &str) {
        for (key, beside) in [(one, other), (other, one)] {
            if table.get(key).is_none() {
                let missing = fault(
                    format!("has no `{key}`"),
                    format!("add `{key}` beside `{beside}`"),
                );
                self.refuse(table.span.clone(), &table.path, missing);
            }
        }
    }

    /// The table is one value of the table around it, with the line of its
    /// first key.
    pub(super) fn whole(&mut self, table: &Table<'_>) {
        if let Some(first) = table.entries.first() {
            let line = self.line(first.key_span.start);
            self.origins.set(table.path.clone(), Source::File(line));
        }
    }
}
