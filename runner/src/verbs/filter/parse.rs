//! From a query to its terms. The grammar, which docs/search.md explains:
//!
//! ```text
//! query  = [ term *( space term ) ]
//! term   = [ "-" ] ( key ":" value *( "," value ) / atom )
//! key    = word / ( "data" / "result" ) 1*( "." step )
//! step   = quoted / 1*( any but space "." ":" )
//! value  = [ "<" / "<=" / ">" / ">=" / "=" ] ( quoted / 1*( any but space "," ) )
//! atom   = quoted / 1*( any but space )
//! quoted = DQUOTE *( any but DQUOTE "\" / "\" any ) DQUOTE
//! ```

use super::fault::Fault;
use super::json::Step;
use super::number::Number;
use super::term::{Part, Term, What};
use super::time::When;
use super::value::{Sign, Text, Value, Version, Word};
use crate::config::nearest;
use crate::outcome::Cause;
use crate::queue::State;
use crate::units;

/// Bytes of a query: more is no question of a person.
const LONGEST: usize = 4096;
/// Terms of a query: each is tried on each job.
const MOST: usize = 64;

/// The words before a colon.
pub(super) const KEYS: [&str; 16] = [
    "attempts", "cause", "data", "error", "id", "name", "plugin", "queue", "ran", "request",
    "result", "runner", "since", "state", "until", "waited",
];

/// The terms of a query, in order.
pub(super) fn terms(query: &str) -> Result<Vec<Term>, Fault> {
    let mut reader = Reader { query, at: 0 };
    if query.len() > LONGEST {
        let text = format!("the query is longer than {LONGEST} bytes");
        return Err(reader.fault(LONGEST, text));
    }
    let mut terms = Vec::new();
    loop {
        reader.skip_space();
        if reader.rest().is_empty() {
            return Ok(terms);
        }
        if terms.len() == MOST {
            let text = format!("the query has more than {MOST} terms");
            return Err(reader.fault(reader.at, text));
        }
        terms.push(reader.term()?);
    }
}

struct Reader<'q> {
    query: &'q str,
    /// In bytes.
    at: usize,
}

/// What stands before the colon.
struct Key<'q> {
    /// Lower case.
    name: &'static str,
    steps: Vec<Step>,
    /// As it is written, for what is shown.
    path: &'q str,
    at: usize,
}

/// A word or quoted text, perhaps with a sign before it.
struct Atom {
    sign: Option<Sign>,
    text: String,
    quoted: bool,
    at: usize,
}

impl<'q> Reader<'q> {
    fn rest(&self) -> &'q str {
        &self.query[self.at..]
    }

    fn fault(&self, at: usize, message: impl Into<String>) -> Fault {
        Fault::new(self.query, at, message)
    }

    fn skip_space(&mut self) {
        self.at = self.query.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, text: &str) -> bool {
        let eaten = self.rest().starts_with(text);
        if eaten {
            self.at += text.len();
        }
        eaten
    }

    /// All before the first character that ends it.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'q str {
        let rest = self.rest();
        let end = rest.find(ends).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn term(&mut self) -> Result<Term, Fault> {
        let start = self.at;
        let negated = self.eat("-");
        if negated && !self.rest().starts_with(|c: char| !c.is_whitespace()) {
            let text = "nothing follows the \"-\"; write -TERM to leave out what it matches, or \
                        \"-\" in quotes to look for the sign";
            return Err(self.fault(start, text));
        }
        let begin = self.at;
        let (what, shown) = match self.key()? {
            Some(key) => {
                let atoms = self.atoms(&key)?;
                let values: Vec<String> = atoms.iter().map(Atom::shown).collect();
                let shown = format!("{}{}:{}", key.name, key.path, values.join(","));
                (self.what(&key, atoms)?, shown)
            }
            None => {
                self.at = begin;
                let atom = self.atom(char::is_whitespace)?;
                (What::Text(Text::new(&atom.text, atom.quoted)), atom.shown())
            }
        };
        if !self.rest().is_empty() && !self.rest().starts_with(char::is_whitespace) {
            let text = "a space must follow the closing quote; \\\" is a quote within quotes";
            return Err(self.fault(self.at, text));
        }
        Ok(Term {
            negated,
            what,
            shown,
        })
    }

    /// The key, if the term has one. Else the place is left anywhere in the term.
    fn key(&mut self) -> Result<Option<Key<'q>>, Fault> {
        let at = self.at;
        let word = self.until(|c| !c.is_ascii_alphabetic());
        let name = KEYS.into_iter().find(|key| key.eq_ignore_ascii_case(word));
        let begin = self.at;
        let mut steps = Vec::new();
        if matches!(name, Some("data" | "result")) {
            while self.eat(".") {
                steps.push(match self.step()? {
                    Some(step) => step,
                    None => return Ok(None),
                });
            }
        }
        let path = &self.query[begin..self.at];
        if word.is_empty() || !self.eat(":") {
            return Ok(None);
        }
        match name {
            Some(name) => Ok(Some(Key {
                name,
                steps,
                path,
                at,
            })),
            None => Err(self.fault(at, self.unknown(word))),
        }
    }

    fn unknown(&self, word: &str) -> String {
        let mut written = self.query[self.at - word.len() - 1..].split_whitespace();
        let written = written.next().unwrap_or_default();
        let text = Atom::text(written.to_owned()).shown_quoted();
        match nearest(word, KEYS) {
            Some(key) => format!(
                "\"{word}:\" is no term; did you mean \"{key}:\"? To look for the text, quote it: \
                 {text}"
            ),
            None => format!(
                "\"{word}:\" is no term; the terms are {}. To look for the text, quote it: {text}",
                KEYS.join(", ")
            ),
        }
    }

    /// A step of a path; none when there is no path, as no colon ends it.
    fn step(&mut self) -> Result<Option<Step>, Fault> {
        let at = self.at;
        if self.rest().starts_with('"') {
            return Ok(Some(Step::Key(self.quoted()?)));
        }
        let step = self.until(|c| c == '.' || c == ':' || c.is_whitespace());
        let goes_on = self.rest().starts_with(['.', ':']);
        match step {
            _ if !goes_on => Ok(None),
            "" => {
                let text = "the path has an empty step; write data.KEY.KEY:VALUE, with 0 for the \
                            first element of a list and * for any";
                Err(self.fault(at, text))
            }
            "*" => Ok(Some(Step::Any)),
            step => Ok(Some(Step::Key(step.to_owned()))),
        }
    }

    /// The values of a key.
    fn atoms(&mut self, key: &Key<'_>) -> Result<Vec<Atom>, Fault> {
        let mut atoms = Vec::new();
        loop {
            let at = self.at;
            let sign = Sign::ALL.into_iter().find(|(text, _)| self.eat(text));
            let atom = self.atom(|c| c == ',' || c.is_whitespace())?;
            if atom.text.is_empty() && !atom.quoted {
                let (name, path) = (key.name, key.path);
                let text = format!(
                    "{name}{path}: has no value; write {name}{path}:VALUE, or \"{name}{path}:\" in \
                     quotes to look for the text"
                );
                return Err(self.fault(key.at, text));
            }
            atoms.push(Atom {
                sign: sign.map(|(_, sign)| sign),
                at,
                ..atom
            });
            if !self.eat(",") {
                return Ok(atoms);
            }
        }
    }

    fn atom(&mut self, ends: impl Fn(char) -> bool) -> Result<Atom, Fault> {
        if self.rest().starts_with('"') {
            return Ok(Atom {
                quoted: true,
                ..Atom::text(self.quoted()?)
            });
        }
        Ok(Atom::text(self.until(ends).to_owned()))
    }

    /// What stands between quotes.
    fn quoted(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match letters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, next)) => text.push(next),
                    None => text.push('\\'),
                },
                letter => text.push(letter),
            }
        }
        let text = "the quote is not closed; add \" behind the text, or write \\\" for the sign \
                    within quotes";
        Err(self.fault(start, text))
    }

    fn what(&self, key: &Key<'_>, atoms: Vec<Atom>) -> Result<What, Fault> {
        let compares = !key.steps.is_empty() || matches!(key.name, "attempts" | "ran" | "waited");
        if let Some(atom) = atoms.iter().find(|atom| atom.sign.is_some() && !compares) {
            let (name, text) = (key.name, atom.unsigned().shown_quoted());
            let text = format!("{name}: compares nothing; quote what it is to be: {name}:{text}");
            return Err(self.fault(atom.at, text));
        }
        let words = || atoms.iter().map(Atom::word).collect();
        let texts = || atoms.iter().map(|atom| Text::new(&atom.text, atom.quoted));
        Ok(match key.name {
            "id" => What::Id(words()),
            "name" => What::Name(words()),
            "queue" => What::Queue(words()),
            "runner" => What::Runner(words()),
            "request" => What::Request(words()),
            "error" => What::Error(texts().collect()),
            "since" => What::Since(self.when(key, &atoms)?),
            "until" => What::Until(self.when(key, &atoms)?),
            "state" => What::State(self.each(&atoms, Self::state)?),
            "cause" => What::Cause(self.each(&atoms, Self::cause)?),
            "plugin" => What::Plugin(self.each(&atoms, Self::version)?),
            "attempts" => What::Attempts(self.each(&atoms, Self::count)?),
            "ran" => What::Ran(self.each(&atoms, Self::duration)?),
            "waited" => What::Waited(self.each(&atoms, Self::duration)?),
            name => {
                let part = match key.steps.is_empty() {
                    true => Part::Text(texts().collect()),
                    false => Part::At(key.steps.clone(), self.each(&atoms, Self::value)?),
                };
                match name {
                    "data" => What::Data(part),
                    _ => What::Result(part),
                }
            }
        })
    }

    fn each<T>(
        &self,
        atoms: &[Atom],
        read: impl Fn(&Self, &Atom) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        atoms.iter().map(|atom| read(self, atom)).collect()
    }

    fn state(&self, atom: &Atom) -> Result<State, Fault> {
        let text = atom.text.to_lowercase();
        text.parse().map_err(|()| {
            let names = State::ALL.map(State::name);
            self.fault(atom.at, none_of("state", &atom.text, &names))
        })
    }

    fn cause(&self, atom: &Atom) -> Result<Word, Fault> {
        let names = Cause::ALL.map(Cause::as_str);
        let word = atom.word();
        match names.iter().any(|name| word.is(name)) {
            true => Ok(word),
            false => Err(self.fault(atom.at, none_of("cause", &atom.text, &names))),
        }
    }

    fn when(&self, key: &Key<'_>, atoms: &[Atom]) -> Result<When, Fault> {
        if let Some(second) = atoms.get(1) {
            let text = format!("{}: takes one time", key.name);
            return Err(self.fault(second.at, text));
        }
        let atom = &atoms[0];
        When::read(&atom.text).ok_or_else(|| {
            let text = format!(
                "{:?} is no time; write how long ago (2h, 7d), a date (2026-11-28) or RFC 3339 \
                 (2026-11-28T09:00:00Z)",
                atom.text
            );
            self.fault(atom.at, text)
        })
    }

    fn version(&self, atom: &Atom) -> Result<Version, Fault> {
        let (name, digest) = match atom.text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_lowercase())),
            None => (atom.text.as_str(), None),
        };
        let is_hex = |text: &String| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = |digest: &String| !digest.is_empty() && is_hex(digest);
        if name.is_empty() || !digest.as_ref().is_none_or(fits) {
            let text = format!(
                "{:?} is no version of a plugin; write plugin:NAME or plugin:NAME@DIGEST, with the \
                 first hexadecimal digits of its digest",
                atom.text
            );
            return Err(self.fault(atom.at, text));
        }
        Ok(Version {
            name: Word::new(name.to_owned(), atom.quoted),
            digest,
        })
    }

    fn count(&self, atom: &Atom) -> Result<(Sign, u64), Fault> {
        let count = atom.text.parse().map_err(|_| {
            let text = format!(
                "{:?} is no number of attempts; write attempts:3, attempts:>2 or attempts:<=5",
                atom.text
            );
            self.fault(atom.at, text)
        })?;
        Ok((atom.sign.unwrap_or(Sign::Equal), count))
    }

    fn duration(&self, atom: &Atom) -> Result<(Sign, u64), Fault> {
        let Some(time) = units::read_duration(&atom.text) else {
            let text = format!("{:?} is no duration; write >500ms or <=2m30s", atom.text);
            return Err(self.fault(atom.at, text));
        };
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        // Nobody means a duration to the millisecond.
        Ok((atom.sign.unwrap_or(Sign::GreaterOrEqual), time))
    }

    fn value(&self, atom: &Atom) -> Result<Value, Fault> {
        let text = atom.text.clone();
        let Some(sign) = atom.sign else {
            return Ok(match atom.word() {
                _ if atom.quoted => Value::String(text),
                Word::Like(pattern) => Value::Like(pattern),
                Word::Is(word) => Value::Word(word, Number::read(&text)),
            });
        };
        if let Some(number) = Number::read(&text) {
            return Ok(Value::Number(sign, number));
        }
        if let Some(when) = When::read(&text) {
            return Ok(Value::Time(sign, when));
        }
        if sign == Sign::Equal {
            return Ok(Value::String(text));
        }
        let text = format!(
            "{text:?} cannot be compared; a number (>100) can, and a time: how long ago (>2h), a \
             date (>=2026-11-28) or RFC 3339"
        );
        Err(self.fault(atom.at, text))
    }
}

/// `"faild" is no state; did you mean "failed"? The states are …`
fn none_of(kind: &str, text: &str, names: &[&str]) -> String {
    let all = names.join(", ");
    match nearest(text, names.iter().copied()) {
        Some(name) => {
            format!("{text:?} is no {kind}; did you mean {name:?}? The {kind}s are {all}")
        }
        None => format!("{text:?} is no {kind}; the {kind}s are {all}"),
    }
}

impl Atom {
    fn text(text: String) -> Atom {
        Atom {
            sign: None,
            text,
            quoted: false,
            at: 0,
        }
    }

    fn word(&self) -> Word {
        Word::new(self.text.clone(), self.quoted)
    }

    /// As if the sign were a part of the text.
    fn unsigned(&self) -> Atom {
        Atom::text(format!("{}{}", self.sign(), self.text))
    }

    fn sign(&self) -> &'static str {
        let named = Sign::ALL.into_iter();
        let mut named = named.filter(|(_, sign)| Some(*sign) == self.sign);
        named.next().map_or("", |(text, _)| text)
    }

    fn shown(&self) -> String {
        match self.quoted {
            true => format!("{}{}", self.sign(), self.shown_quoted()),
            false => format!("{}{}", self.sign(), self.text),
        }
    }

    fn shown_quoted(&self) -> String {
        let text = self.text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{text}\"")
    }
}
