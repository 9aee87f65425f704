//! A guest that no test runs is dead code that has to be kept compiling.

use std::collections::BTreeSet;

use syn::visit::Visit;

use super::{at, files, none};

const GUESTS: &str = "tests/guests/examples";

/// The texts in the code of the tests and benches.
struct Texts(BTreeSet<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.insert(text.value());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

impl Texts {
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => self.tokens(group.stream()),
                proc_macro2::TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.0.insert(text.value());
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn each_guest_is_run_by_a_test() {
    let mut texts = Texts(BTreeSet::new());
    for path in files("tests", |path| path.ends_with(".rs")) {
        if !path.starts_with("tests/guests/") {
            let text = std::fs::read_to_string(at(&path)).unwrap();
            texts.visit_file(&syn::parse_file(&text).unwrap());
        }
    }
    let mut wrong = Vec::new();
    for path in files(GUESTS, |path| path.ends_with(".rs")) {
        let name = path[GUESTS.len() + 1..].trim_end_matches(".rs");
        if !texts.0.contains(name) {
            wrong.push(format!(
                "{path}:1: no test names this guest: call guest({name:?}), or delete the file"
            ));
        }
    }
    none(&wrong);
}
