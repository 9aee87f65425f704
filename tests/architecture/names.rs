//! The names in a piece of source: what an item defines, and what its code mentions.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// `a::b::C` as it is written, and where.
pub(crate) struct Name {
    pub(crate) parts: Vec<String>,
    pub(crate) line: usize,
    /// Written with `::` in front: another crate, whatever is called so here.
    pub(crate) outside: bool,
}

/// Is it compiled for tests only?
pub(crate) fn for_tests(item: &Item) -> bool {
    attributes(item).iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|what| what == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name under which others find an item.
pub(crate) fn defined(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Collects the paths in code, also inside macros and attributes.
pub(crate) struct Mentions(pub(crate) Vec<Name>);

impl<'ast> Visit<'ast> for Mentions {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let line = path.segments[0].ident.span().start().line;
        let outside = path.leading_colon.is_some();
        self.0.push(Name {
            parts,
            line,
            outside,
        });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta
            && !attribute.path().is_ident("doc")
        {
            self.tokens(list.tokens.clone());
        }
    }

    /// `use` inside a function.
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for Brought { parts, line, .. } in brought(&item.tree) {
            let outside = item.leading_colon.is_some();
            self.0.push(Name {
                parts,
                line,
                outside,
            });
        }
    }

    /// Whom a thing is shown to is no import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    /// Tests beside methods, if there are any, are no product.
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(item) {
            visit::visit_item(self, item);
        }
    }
}

impl Mentions {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // The path that is being read, and whether a `.` stands in front of it.
        let mut after_dot = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) if !after_dot => {
                    let line = first.span().start().line;
                    let mut parts = vec![first.to_string()];
                    while is_colon(tokens.peek()) {
                        tokens.next();
                        if !is_colon(tokens.peek()) {
                            break; // `name: Type`
                        }
                        tokens.next();
                        match tokens.peek() {
                            Some(TokenTree::Ident(part)) => parts.push(part.to_string()),
                            _ => break,
                        }
                        tokens.next();
                    }
                    self.0.push(Name {
                        parts,
                        line,
                        outside: false,
                    });
                }
                TokenTree::Punct(point) => {
                    after_dot = point.as_char() == '.';
                    continue;
                }
                _ => {}
            }
            after_dot = false;
        }
    }
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(point)) if point.as_char() == ':')
}

/// One name that a `use` brings in.
pub(crate) struct Brought {
    pub(crate) parts: Vec<String>,
    /// What it is called here; `None` for a `*`.
    pub(crate) called: Option<String>,
    pub(crate) line: usize,
}

/// Every name that a `use` brings in.
pub(crate) fn brought(tree: &UseTree) -> Vec<Brought> {
    let mut all = Vec::new();
    spread(Vec::new(), tree, &mut all);
    all
}

fn spread(mut parts: Vec<String>, tree: &UseTree, all: &mut Vec<Brought>) {
    let (called, span) = match tree {
        UseTree::Path(path) => {
            parts.push(path.ident.to_string());
            return spread(parts, &path.tree, all);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                spread(parts.clone(), tree, all);
            }
            return;
        }
        UseTree::Glob(star) => (None, star.star_token.spans[0]),
        UseTree::Name(name) => {
            if name.ident != "self" {
                parts.push(name.ident.to_string());
            }
            (parts.last().cloned(), name.ident.span())
        }
        UseTree::Rename(name) => {
            if name.ident != "self" {
                parts.push(name.ident.to_string());
            }
            (Some(name.rename.to_string()), name.ident.span())
        }
    };
    let line = span.start().line;
    all.push(Brought {
        parts,
        called,
        line,
    });
}
