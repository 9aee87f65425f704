//! The pieces of a statement's text, in each database's own way of quoting and commenting.

use crate::settings::Server;

/// A piece of a statement's text.
pub(super) enum Token<'a> {
    Word(&'a str),
    /// A quoted name or a string.
    Quoted,
    Symbol(char),
    /// Something that is read in more than one way, or does not end.
    Unclear,
}

/// Takes a statement's text apart as this server does.
pub(super) struct Lexer<'a> {
    pub(super) server: Server,
    pub(super) text: &'a str,
    /// The byte it has got to.
    pub(super) at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Go on behind this end, if it comes.
    fn skip(&mut self, from: usize, end: &str) -> bool {
        let found = self.text.get(from..).and_then(|rest| rest.find(end));
        self.at = found.map_or(self.text.len(), |at| from + at + end.len());
        found.is_some()
    }

    /// Go on behind spaces and comments. Whether the comments could be read.
    fn blank(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            let rest = self.rest();
            let mysql = self.server == Server::Mysql;
            // MySQL takes `--` only before a space.
            let dashes = rest
                .strip_prefix("--")
                .is_some_and(|rest| !mysql || rest.starts_with(|it: char| it.is_whitespace()));
            if dashes || (mysql && rest.starts_with('#')) {
                self.skip(self.at, "\n");
            } else if rest.starts_with("/*") {
                // MySQL runs what is in `/*! … */`, and Postgres nests comments.
                if rest.starts_with("/*!") || rest.starts_with("/*M!") {
                    self.at += 3;
                    return false;
                }
                let from = self.at;
                if !self.skip(from + 2, "*/") {
                    return false;
                }
                if self.text[from + 2..self.at].contains("/*") {
                    return false;
                }
            } else {
                return true;
            }
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if !self.blank() {
            return Some(Token::Unclear);
        }
        let rest = self.rest();
        let first = rest.chars().next()?;
        let word = |it: char| it.is_alphanumeric() || it == '_';
        if first.is_alphabetic() || first == '_' {
            let long = rest.find(|it| !word(it) && it != '$').unwrap_or(rest.len());
            self.at += long;
            return Some(Token::Word(&rest[..long]));
        }
        let end = match (first, self.server) {
            ('\'', _) | ('"', _) => &rest[..1],
            ('`', Server::Mysql | Server::Sqlite) => "`",
            ('[', Server::Sqlite) => "]",
            ('$', Server::Postgres) if !rest[1..].starts_with(|it: char| it.is_ascii_digit()) => {
                let tag = rest[1..].find(|it| !word(it)).map_or(0, |at| at + 1);
                match rest[tag..].starts_with('$') && tag > 0 {
                    true => &rest[..=tag],
                    false => "$$",
                }
            }
            _ => {
                self.at += first.len_utf8();
                return Some(Token::Symbol(first));
            }
        };
        let from = self.at + end.len();
        let closed = self.skip(from, end);
        // A backslash escapes, or does not: settings of the server say.
        let inside = self.text.get(from..self.at).unwrap_or("");
        match closed && (end.starts_with('$') || !inside.contains('\\')) {
            true => Some(Token::Quoted),
            false => Some(Token::Unclear),
        }
    }
}
