//! Reads the text of PDF, HTML, Markdown and plain text documents.
//!
//! ```
//! use document_text::Kind;
//!
//! let file = b"<title>Hello</title><p>Good to <b>see</b> you".to_vec();
//! let kind = Kind::of(&file, "text/html")?;
//! let document = kind.read(file, "text/html", |_, _| {})?;
//! assert_eq!(document.title.as_deref(), Some("Hello"));
//! assert_eq!(document.text, "Good to see you");
//! # Ok::<_, document_text::Error>(())
//! ```
//!
//! [`Kind`] says what a file is by its content, `pdf`, `html`, `markdown` and
//! `decode` take the text out of it. Text that is only a picture (a scanned
//! page) is not read, nor is the layout: text comes in the order in which the
//! file has it. Time is linear in the size of the file; of the text at most
//! [`MAX_TEXT`] is read.

mod decode;
mod html;
mod kind;
mod markdown;
mod pdf;
#[cfg(any(test, feature = "samples"))]
pub mod samples;

pub use crate::kind::Kind;

/// A document whose text is longer is refused, in bytes of UTF-8. A hundred
/// times the Bible in half a minute of work; and what unfolds to more was made
/// to fill the memory.
pub const MAX_TEXT: usize = 64 << 20;

/// The text of a document and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What the document is.
    pub kind: Kind,
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// How the text was encoded, by its name in the WHATWG Encoding Standard;
    /// not for PDF, whose fonts have encodings of their own.
    pub encoding: Option<&'static str>,
    /// The text. Characters that a PDF does not name are U+FFFD.
    pub text: String,
    /// Where in `text` each page begins, in bytes. Only PDF has pages.
    pub pages: Vec<usize>,
}

impl Document {
    /// How many words the text has: runs without white space that have a letter
    /// or a digit.
    pub fn words(&self) -> usize {
        self.text
            .split_whitespace()
            .filter(|word| word.contains(char::is_alphanumeric))
            .count()
    }

    /// How many characters the text has.
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }
}

/// Why a document was not read. No retry will help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not one of the kinds that are read; the media type is what it is.
    #[error("the file is {0}; text is read from PDF, HTML, Markdown and plain text")]
    Unsupported(String),
    /// A password is needed to open it.
    #[error("the PDF is protected by a password")]
    Password,
    /// Encrypted in a way that is wrong or not known.
    #[error("the PDF is encrypted in a way that cannot be read")]
    Encryption,
    /// There is no page in it.
    #[error("the PDF is damaged: it has no page that can be read")]
    Damaged,
    /// The text is longer than [`MAX_TEXT`].
    #[error("the text is longer than {} MiB", MAX_TEXT >> 20)]
    TooLong,
}

#[cfg(test)]
mod tests;
