//! Mistakes in the configuration: collected, never thrown one by one, and shown
//! as a compiler shows them: the line, the place in it, and the way out.
//!
//! No password is shown, nor a literal secret: see [`mask`] and [`Problems::mask`].

mod mask;
mod nearest;
mod passwords;

pub use self::mask::masked;
pub use self::nearest::nearest;
pub(super) use self::passwords::mask_passwords;

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};

use self::mask::mask;
use super::sources::Sources;

/// All mistakes of one configuration. Holds at least one.
#[derive(Debug, Clone)]
pub struct Problems {
    path: String,
    /// The file as it may be shown: passwords are masked, byte for byte, so
    /// that spans stay true.
    source: String,
    /// Secrets in it, which no message says either.
    words: Vec<String>,
    list: Vec<Problem>,
    /// What was read beside the file: it may hold the mistake.
    pub(super) sources: Box<Sources>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    /// What is wrong, one line.
    pub(super) message: String,
    /// Where in the file; `None` for the environment and flags.
    pub(super) span: Option<Range<usize>>,
    /// Beside the caret.
    pub(super) label: String,
    /// The way out.
    pub(super) help: Option<String>,
}

impl Problems {
    pub(super) fn new(path: String, source: &str) -> Self {
        let (source, words) = mask(source, None);
        Self {
            path,
            source,
            words,
            list: Vec::new(),
            sources: Box::default(),
        }
    }

    /// Show the file as one without structure: it is not TOML.
    pub(super) fn break_up(&mut self, source: &str, known: fn(&str) -> bool) {
        (self.source, self.words) = mask(source, Some(known));
    }

    pub(super) fn push(&mut self, mut problem: Problem) {
        for word in &self.words {
            let texts = [&mut problem.message, &mut problem.label];
            for text in texts.into_iter().chain(&mut problem.help) {
                *text = text.replace(word, &"*".repeat(word.len()));
            }
        }
        self.list.push(problem);
    }

    /// Makes sure that this part of the file is never shown.
    pub(super) fn mask(&mut self, span: Range<usize>) {
        let stars: String = self.source[span.clone()]
            .bytes()
            .map(|b| if b == b'\n' { '\n' } else { '*' })
            .collect();
        self.source.replace_range(span, &stars);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Mistakes in the order of the file, those of the environment and the
    /// flags last.
    pub(super) fn sort(&mut self) {
        self.list
            .sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
    }

    /// The number of mistakes.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// What was read beside the file.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The text for people: each mistake with its line, then how many there are.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = String::new();
        for problem in &self.list {
            text.push_str(&renderer.render(&[self.group(problem)]));
            text.push_str("\n\n");
        }
        if self.list.len() > 1 {
            let last = format!(
                "the configuration has {} mistakes and is not used",
                self.list.len()
            );
            let group = Group::with_title(Level::ERROR.primary_title(last));
            text.push_str(&renderer.render(&[group]));
            text.push_str("\n\n");
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let mut elements: Vec<Element<'a>> = Vec::new();
        if let Some(span) = &problem.span {
            let place = AnnotationKind::Primary
                .span(span.clone())
                .label(problem.label.as_str());
            elements.push(
                Snippet::source(self.source.as_str())
                    .path(self.path.as_str())
                    .annotation(place)
                    .into(),
            );
        } else if !problem.label.is_empty() {
            elements.push(Level::HELP.message(problem.label.as_str()).into());
        }
        if let Some(help) = &problem.help {
            elements.push(Level::HELP.message(help.as_str()).into());
        }
        title.elements(elements)
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
