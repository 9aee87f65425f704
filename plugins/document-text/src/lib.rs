//! Reads the text of PDF, office documents, books, e-mail, HTML, Markdown, CSV and
//! plain text.
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
//! [`Kind`] says what a file is by its content; a module for each format takes
//! the text out of it, and `decode` knows the encodings of those that are text.
//! Text that is only a picture (a scanned page) is not read, nor is the layout:
//! text comes in the order in which the file has it. Time is linear in the size
//! of what is read: at most [`MAX_UNFOLDED`] of an archive, and [`MAX_TEXT`] of
//! text.

mod archive;
mod csv;
mod decode;
mod docx;
mod email;
mod epub;
mod flow;
mod gzip;
mod html;
mod kind;
mod legacy;
mod markdown;
mod odf;
mod package;
mod pdf;
mod pptx;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
mod xlsx;
mod xml;

pub use crate::kind::Kind;

/// A document whose text is longer is refused, in bytes of UTF-8. A hundred
/// times the Bible in half a minute of work; and what unfolds to more was made
/// to fill the memory.
pub const MAX_TEXT: usize = 64 << 20;

/// An archive whose parts unfold to more is refused, in bytes. A sheet of a
/// million cells has 60 MB; and what unfolds to more was made to take the time.
pub const MAX_UNFOLDED: u64 = 256 << 20;

/// The text of a document and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What the document is.
    pub kind: Kind,
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// How the text was encoded, by its name in the WHATWG Encoding Standard, or
    /// that of IANA where it has none; only of HTML, Markdown, CSV and plain text.
    pub encoding: Option<&'static str>,
    /// The text. Characters that a PDF does not name are U+FFFD.
    pub text: String,
    /// Where in `text` each page begins, in bytes. Only PDF has pages, and PPTX
    /// slides.
    pub pages: Vec<usize>,
}

impl Document {
    /// A document without an encoding and pages of its own.
    fn plain(kind: Kind, title: Option<String>, text: String) -> Self {
        Document {
            kind,
            title,
            encoding: None,
            text,
            pages: Vec::new(),
        }
    }

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
    #[error(
        "the file is {0}; text is read from PDF, DOCX, XLSX, PPTX, OpenDocument, EPUB, e-mail, \
         HTML, Markdown, CSV and plain text, also compressed with gzip"
    )]
    Unsupported(String),
    /// Compressed, and not what was declared: what it is, and what was declared.
    #[error("the compressed file is {0}, not {1}")]
    Within(&'static str, String),
    /// A text whose encoding cannot be read.
    #[error("the text seems to be {0}, which is not read; save it as UTF-8")]
    Encoding(&'static str),
    /// A password is needed to open it.
    #[error("the {0} is protected by a password")]
    Password(&'static str),
    /// The format is damaged so.
    #[error("the {format} is damaged: {reason}")]
    Broken {
        /// What the document is called.
        format: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// What is compressed in it is longer than [`MAX_UNFOLDED`]; with gzip,
    /// [`MAX_TEXT`].
    #[error("the {0} unfolds to more than can be read")]
    Unfolds(&'static str),
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
