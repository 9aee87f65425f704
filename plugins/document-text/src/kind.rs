//! What a file is, by its content.
//!
//! PDF, HTML and text can be told apart by looking; Markdown is text that says
//! it is Markdown, so there the declared media type decides.

use crate::{Document, Error, decode, html, markdown, pdf};

/// Readers accept a PDF header within this many bytes (ISO 32000-1, H.3.4.1).
const PDF_HEADER: usize = 1024;

/// So many bytes tell text from binary data.
const LOOK: usize = 8 << 10;

/// Tags with which only a whole HTML document begins.
const HTML_STARTS: [&[u8]; 4] = [b"<!doctype html", b"<html", b"<head", b"<body"];

/// The kinds of documents whose text can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Portable Document Format, ISO 32000.
    Pdf,
    /// HTML and XHTML.
    Html,
    /// CommonMark with tables.
    Markdown,
    /// Any other text.
    Text,
}

impl Kind {
    /// What the content is. The `declared` media type decides only what the
    /// content does not say: whether text is Markdown or a piece of HTML.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::Unsupported`].
    pub fn of(content: &[u8], declared: &str) -> Result<Self, Error> {
        if content.is_empty() {
            return Err(Error::Empty);
        }
        let head = &content[..content.len().min(PDF_HEADER)];
        if head.windows(5).any(|bytes| bytes == b"%PDF-") {
            return Ok(Kind::Pdf);
        }
        // Text first: some formats are known by two letters that also words
        // begin with (BM, MZ).
        if !is_text(content) {
            let found = infer::get(content);
            let media_type = found.map_or("application/octet-stream", |found| found.mime_type());
            return Err(Error::Unsupported(media_type.to_owned()));
        }
        Ok(match essence(declared).as_str() {
            _ if is_html(content) => Kind::Html,
            "text/html" | "application/xhtml+xml" => Kind::Html,
            "text/markdown" | "text/x-markdown" => Kind::Markdown,
            _ => Kind::Text,
        })
    }

    /// The media type (RFC 6838).
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Pdf => "application/pdf",
            Kind::Html => "text/html",
            Kind::Markdown => "text/markdown",
            Kind::Text => "text/plain",
        }
    }

    /// Whether a file of this kind may be declared so. Parameters such as
    /// `charset` do not count, `application/octet-stream` says nothing and
    /// therefore nothing wrong, and text may be any `text/…` (CSV, say) and
    /// JSON, XML and YAML.
    pub fn may_be(self, declared: &str) -> bool {
        let declared = essence(declared);
        let declared = declared.as_str();
        if matches!(declared, "" | "application/octet-stream") {
            return true;
        }
        match self {
            Kind::Pdf => matches!(declared, "application/pdf" | "application/x-pdf"),
            Kind::Html => matches!(declared, "text/html" | "application/xhtml+xml"),
            Kind::Markdown => matches!(declared, "text/markdown" | "text/x-markdown"),
            Kind::Text => {
                declared.starts_with("text/")
                    || declared.ends_with("+json")
                    || declared.ends_with("+xml")
                    || matches!(
                        declared,
                        "application/json"
                            | "application/x-ndjson"
                            | "application/xml"
                            | "application/yaml"
                    )
            }
        }
    }

    /// Read a file of this kind. A `charset` in the `declared` media type is
    /// the encoding of a text that is not UTF-8. `on_page` is called before
    /// each page of a PDF with its number, from 1, and the number of pages.
    ///
    /// # Errors
    /// Every [`Error`] but [`Error::Empty`] and [`Error::Unsupported`].
    pub fn read(
        self,
        content: Vec<u8>,
        declared: &str,
        on_page: impl FnMut(usize, usize),
    ) -> Result<Document, Error> {
        if self == Kind::Pdf {
            return pdf::read(content, on_page);
        }
        if content.len() > crate::MAX_TEXT {
            return Err(Error::TooLong);
        }
        let (source, encoding) = decode::decode(content, charset(declared), self == Kind::Html);
        let (text, title) = match self {
            Kind::Html => html::read(&source),
            Kind::Markdown => markdown::read(&source),
            _ => (source, None),
        };
        Ok(Document {
            kind: self,
            title,
            encoding: Some(encoding),
            text,
            pages: Vec::new(),
        })
    }
}

/// The media type without parameters, in lower case.
fn essence(declared: &str) -> String {
    let essence = declared.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The parameter `charset`.
fn charset(declared: &str) -> Option<&str> {
    declared.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// Text has no NUL and few other control characters, or begins with the byte
/// order mark of UTF-16.
fn is_text(content: &[u8]) -> bool {
    if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
        return content.len().is_multiple_of(2);
    }
    let look = &content[..content.len().min(LOOK)];
    let controls = look
        .iter()
        .filter(|&&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
        .count();
    !content.contains(&0) && controls * 100 <= look.len()
}

/// Whether a text begins as whole HTML documents do, after white space, an XML
/// declaration and comments.
fn is_html(content: &[u8]) -> bool {
    let mut rest = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'?', ..] => b"?>",
            _ => break,
        };
        let Some(at) = rest.windows(end.len()).position(|bytes| bytes == end) else {
            return false;
        };
        rest = &rest[at + end.len()..];
    }
    HTML_STARTS.iter().any(|start| {
        rest.get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    })
}
