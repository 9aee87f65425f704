//! How large a folder, a file and a function may grow.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::allowed::{self, FILE};
use super::{at, files, none};

/// Where the source of the repository is.
const SOURCES: [&str; 5] = ["runner", "sdk", "plugins", "benches", "tests"];

/// What stands above a long function.
const REASON: &str = "// Long because ";

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_source(path: &str) -> bool {
    is_rust(path) || path.ends_with(".lua")
}

fn sources(wanted: fn(&str) -> bool) -> Vec<String> {
    SOURCES
        .into_iter()
        .flat_map(|folder| files(folder, wanted))
        .collect()
}

#[test]
fn folders_and_files_are_no_larger_than_one_can_take_in() {
    let allowed = allowed::read();
    let (most, longest) = (allowed.sizes.folder, allowed.sizes.file);
    let mut folders = BTreeMap::<String, usize>::new();
    let mut large = BTreeMap::new();
    for path in sources(is_source) {
        let folder = path.rsplit_once('/').unwrap().0;
        *folders.entry(folder.to_owned()).or_default() += 1;
        let lines = std::fs::read_to_string(at(&path)).unwrap().lines().count();
        if lines > longest {
            let what = format!("has {lines} lines, more than {longest}: split it by subject");
            large.insert(path, what);
        }
    }
    for (path, count) in folders {
        if count > most {
            let what =
                format!("has {count} files side by side, more than {most}: group them in folders");
            large.insert(path, what);
        }
    }
    let known = |path: &String| {
        allowed.sizes.larger.contains_key(path) || allowed.owed.larger.contains(path)
    };
    let mut wrong = Vec::new();
    for (path, what) in &large {
        if !known(path) {
            wrong.push(format!("{path}:1: {what}, or give the reason in {FILE}"));
        }
    }
    let named = allowed.sizes.larger.keys().chain(&allowed.owed.larger);
    for path in named.filter(|path| !large.contains_key(*path)) {
        wrong.push(format!("{FILE}: {path} is not large now: delete it there"));
    }
    none(&wrong);
}

#[test]
fn a_long_function_says_why() {
    let allowed = allowed::read();
    let (most, mut owed) = (allowed.sizes.function, allowed.owed.functions);
    let mut wrong = Vec::new();
    for path in sources(is_rust) {
        let text = std::fs::read_to_string(at(&path)).unwrap();
        let mut functions = Functions(Vec::new());
        functions.visit_file(&syn::parse_file(&text).unwrap());
        let lines: Vec<&str> = text.lines().collect();
        let mut known = BTreeSet::new();
        for (name, head, first, last) in functions.0 {
            let length = last - first + 1;
            if length <= most || has_reason(&lines, head) {
                continue;
            }
            let entry = format!("{path}: {name}");
            if owed.remove(&entry) || known.contains(&entry) {
                known.insert(entry);
                continue;
            }
            wrong.push(format!(
                "{path}:{first}: {name} has {length} lines, more than {most}: split it, or write \
                 `{REASON}…` above it"
            ));
        }
    }
    for entry in owed {
        wrong.push(format!("{FILE}: {entry} is not long now: delete it there"));
    }
    none(&wrong);
}

/// Does one of the comments above this line give the reason?
fn has_reason(lines: &[&str], head: usize) -> bool {
    let above = lines[..head - 1].iter().rev().map(|line| line.trim_start());
    above
        .take_while(|line| line.starts_with("//"))
        .any(|line| line.starts_with(REASON) || line.starts_with(&format!("/{REASON}")))
}

/// Name, first line with its attributes, line of `fn`, last line.
struct Functions(Vec<(String, usize, usize, usize)>);

impl Functions {
    fn add(&mut self, whole: Span, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        let name = signature.ident.to_string();
        self.0.push((name, whole.start().line, first, last));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(item.span(), &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(item.span(), &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}
