//! The text of HTML: what a reader sees of it, a line per block.
//!
//! Only the tokenizer of html5ever is used: no tree is built, so a page nested
//! a million levels deep costs no more than a flat one. Scripts, styles,
//! templates and drawings are left out; of pictures the alternative text is in.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, Tag, TagKind, TagToken, Token, TokenSink, TokenSinkResult,
    Tokenizer, TokenizerOpts,
};

/// Fed at once: the tokenizer's own copy stays small.
const CHUNK: usize = 64 << 10;

/// The text and the title.
pub(crate) fn read(source: &str) -> (String, Option<String>) {
    let tokenizer = Tokenizer::new(Page::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = source;
    while !rest.is_empty() {
        let (chunk, next) = rest.split_at(rest.floor_char_boundary(CHUNK));
        input.push_back(StrTendril::from_slice(chunk));
        // Scripts do not stop the tokenizer: nobody runs them.
        let _ = tokenizer.feed(&input);
        rest = next;
    }
    tokenizer.end();
    let Text { body, title, .. } = tokenizer.sink.text.into_inner();
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    (body, (!title.is_empty()).then_some(title))
}

#[derive(Default)]
struct Page {
    text: RefCell<Text>,
}

#[derive(Default)]
struct Text {
    body: String,
    title: String,
    /// What to put before the next word.
    gap: Gap,
    in_title: bool,
    /// The element whose content is left out, and how often it is open.
    hidden: Option<(String, usize)>,
    /// How many elements are open in which white space counts.
    preformatted: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut text = self.text.borrow_mut();
        match token {
            CharacterTokens(characters) => text.push(&characters),
            TagToken(tag) => {
                text.tag(&tag);
                if tag.kind == TagKind::StartTag {
                    return raw(&tag.name);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Elements whose content is not markup (HTML, 13.2.6).
fn raw(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
            TokenSinkResult::RawData(RawKind::Rawtext)
        }
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        "plaintext" => TokenSinkResult::Plaintext,
        _ => TokenSinkResult::Continue,
    }
}

impl Text {
    fn tag(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        let starts = tag.kind == TagKind::StartTag;
        if let Some((hidden, open)) = &mut self.hidden {
            if hidden == name && !tag.self_closing {
                *open = if starts { *open + 1 } else { *open - 1 };
            }
            if *open == 0 {
                self.hidden = None;
            }
            return;
        }
        match name {
            "script" | "style" | "template" | "svg" | "math" | "iframe" | "noembed"
            | "noframes" => {
                if starts && !tag.self_closing {
                    self.hidden = Some((name.to_owned(), 1));
                }
                self.leave(Gap::Space);
            }
            // A page has one title; those in drawings are hidden.
            "title" => self.in_title = starts && self.title.is_empty(),
            "pre" | "textarea" | "listing" | "xmp" => {
                self.leave(Gap::Line);
                self.preformatted = if starts {
                    self.preformatted + 1
                } else {
                    self.preformatted.saturating_sub(1)
                };
            }
            "td" | "th" => self.leave(Gap::Cell),
            "img" | "area" => {
                let alternative = tag.attrs.iter().find(|field| &*field.name.local == "alt");
                if let Some(alternative) = alternative {
                    self.push(&alternative.value);
                }
            }
            _ if is_inline(name) => {}
            _ => self.leave(Gap::Line),
        }
    }

    fn leave(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn push(&mut self, characters: &str) {
        if self.hidden.is_some() {
            return;
        }
        if self.in_title {
            self.title.push_str(characters);
            return;
        }
        if self.preformatted > 0 {
            self.close_gap();
            self.body.push_str(characters);
            return;
        }
        for part in characters.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let word = part.trim_end_matches(|c: char| c.is_ascii_whitespace());
            if !word.is_empty() {
                self.close_gap();
                self.body.push_str(word);
            }
            if word.len() < part.len() {
                self.leave(Gap::Space);
            }
        }
    }

    fn close_gap(&mut self) {
        let gap = match std::mem::take(&mut self.gap) {
            _ if self.body.is_empty() => return,
            Gap::None => return,
            Gap::Space => ' ',
            Gap::Cell => '\t',
            Gap::Line => '\n',
        };
        self.body.push(gap);
    }
}

/// Elements within a line (HTML, 4.5); every other one begins a line.
fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "acronym"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "button"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "meter"
            | "nobr"
            | "output"
            | "q"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}
