//! What a file is, by its content.
//!
//! PDF, archives, HTML and text can be told apart by looking; Markdown, CSV and
//! e-mail are text that says it is, so there the declared media type decides.

use crate::archive::Archive;
use crate::legacy::{Wide, is_ebcdic};
use crate::{
    Document, Error, csv, decode, docx, email, epub, gzip, html, markdown, odf, pdf, pptx, xlsx,
};

/// Readers accept a PDF header within this many bytes (ISO 32000-1, H.3.4.1).
const PDF_HEADER: usize = 1024;

/// So many bytes tell text from binary data.
const LOOK: usize = 8 << 10;

/// How an archive of the ZIP form begins (APPNOTE.TXT, 4.3.7).
const ZIP: &[u8] = b"PK\x03\x04";

/// How the compound files of old Office begin, in which encrypted documents of
/// new Office are, too (MS-CFB, 2.2).
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The stream of an encrypted document in a compound file (MS-OFFCRYPTO, 2.3).
const ENCRYPTED: &str = "EncryptedPackage";

/// Tags with which only a whole HTML document begins.
const HTML_STARTS: [&[u8]; 4] = [b"<!doctype html", b"<html", b"<head", b"<body"];

/// The kinds of documents whose text can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Portable Document Format, ISO 32000.
    Pdf,
    /// Word's documents, ECMA-376.
    Docx,
    /// Excel's sheets.
    Xlsx,
    /// PowerPoint's presentations.
    Pptx,
    /// OpenDocument's texts, ISO 26300.
    Odt,
    /// OpenDocument's sheets.
    Ods,
    /// OpenDocument's presentations.
    Odp,
    /// Books, EPUB 2 and 3.
    Epub,
    /// E-mail, RFC 5322.
    Email,
    /// HTML and XHTML.
    Html,
    /// CommonMark with tables.
    Markdown,
    /// Comma-separated values and their like, RFC 4180.
    Csv,
    /// Any other text.
    Text,
    /// One of the others, compressed with gzip.
    Gzip,
}

impl Kind {
    /// What the content is. The `declared` media type decides only what the
    /// content does not say: whether text is Markdown, CSV or a piece of HTML.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Unsupported`], [`Error::Encoding`], and those
    /// of an archive that cannot be opened.
    pub fn of(content: &[u8], declared: &str) -> Result<Self, Error> {
        if content.is_empty() {
            return Err(Error::Empty);
        }
        let head = &content[..content.len().min(PDF_HEADER)];
        if head.windows(5).any(|bytes| bytes == b"%PDF-") {
            return Ok(Kind::Pdf);
        }
        if content.starts_with(gzip::START) {
            return Ok(Kind::Gzip);
        }
        if content.starts_with(ZIP) {
            return of_archive(content);
        }
        if content.starts_with(COMPOUND) && has_wide(content, ENCRYPTED) {
            return Err(Error::Password("document"));
        }
        // Text first: some formats are known by two letters that also words
        // begin with (BM, MZ).
        if !is_text(content) {
            if is_ebcdic(content) {
                return Err(Error::Encoding("EBCDIC"));
            }
            let found = infer::get(content);
            let media_type = found.map_or("application/octet-stream", |found| found.mime_type());
            return Err(Error::Unsupported(media_type.to_owned()));
        }
        let essence = essence(declared);
        Ok(match essence.as_str() {
            _ if is_html(content) => Kind::Html,
            "text/html" | "application/xhtml+xml" => Kind::Html,
            "text/markdown" | "text/x-markdown" => Kind::Markdown,
            "text/csv" | "text/tab-separated-values" => Kind::Csv,
            "message/rfc822" | "application/octet-stream" | "" if email::is_email(content) => {
                Kind::Email
            }
            _ => Kind::Text,
        })
    }

    /// The media type (RFC 6838).
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Pdf => "application/pdf",
            Kind::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Kind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Kind::Pptx => {
                "application/vnd.openxmlformats-officedocument.presentationml.presentation"
            }
            Kind::Odt => "application/vnd.oasis.opendocument.text",
            Kind::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Kind::Odp => "application/vnd.oasis.opendocument.presentation",
            Kind::Epub => "application/epub+zip",
            Kind::Email => "message/rfc822",
            Kind::Html => "text/html",
            Kind::Markdown => "text/markdown",
            Kind::Csv => "text/csv",
            Kind::Text => "text/plain",
            Kind::Gzip => "application/gzip",
        }
    }

    /// Whether a file of this kind may be declared so. Parameters such as
    /// `charset` do not count, `application/octet-stream` says nothing and
    /// therefore nothing wrong, and text may be any `text/…` and JSON, XML and
    /// YAML. What is compressed may be declared as what is in it.
    pub fn may_be(self, declared: &str) -> bool {
        let declared = essence(declared);
        let declared = declared.as_str();
        if matches!(declared, "" | "application/octet-stream") || declared == self.media_type() {
            return true;
        }
        match self {
            Kind::Gzip => true,
            Kind::Pdf => declared == "application/x-pdf",
            Kind::Html => declared == "application/xhtml+xml",
            Kind::Markdown => declared == "text/x-markdown",
            Kind::Csv => declared == "text/tab-separated-values",
            Kind::Docx => declared == "application/vnd.ms-word.document.macroenabled.12",
            Kind::Xlsx => declared == "application/vnd.ms-excel.sheet.macroenabled.12",
            Kind::Pptx => declared == "application/vnd.ms-powerpoint.presentation.macroenabled.12",
            Kind::Odt | Kind::Ods | Kind::Odp | Kind::Epub | Kind::Email => false,
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
    /// The document is of another kind if this one is [`Kind::Gzip`].
    ///
    /// # Errors
    /// Every [`Error`] but [`Error::Empty`].
    pub fn read(
        self,
        content: Vec<u8>,
        declared: &str,
        on_page: impl FnMut(usize, usize),
    ) -> Result<Document, Error> {
        match self {
            Kind::Gzip => within(&content, declared)
                .and_then(|(kind, content, declared)| kind.read_single(content, declared, on_page)),
            kind => kind.read_single(content, declared, on_page),
        }
    }

    /// Read a file that is not compressed.
    fn read_single(
        self,
        content: Vec<u8>,
        declared: &str,
        on_page: impl FnMut(usize, usize),
    ) -> Result<Document, Error> {
        let open = |format| Archive::open(&content, format);
        match self {
            Kind::Pdf => return pdf::read(content, on_page),
            Kind::Docx => return docx::read(open("DOCX")?),
            Kind::Xlsx => return xlsx::read(open("XLSX")?),
            Kind::Pptx => return pptx::read(open("PPTX")?, on_page),
            Kind::Odt => return odf::read(open("ODT")?, self),
            Kind::Ods => return odf::read(open("ODS")?, self),
            Kind::Odp => return odf::read(open("ODP")?, self),
            Kind::Epub => return epub::read(open("EPUB")?),
            Kind::Email => return email::read(&content),
            Kind::Html | Kind::Markdown | Kind::Csv | Kind::Text | Kind::Gzip => {}
        }
        if content.len() > crate::MAX_TEXT {
            return Err(Error::TooLong);
        }
        let (source, encoding) = decode::decode(content, charset(declared), self == Kind::Html)?;
        let (text, title) = match self {
            Kind::Html => html::read(&source),
            Kind::Markdown => markdown::read(&source),
            Kind::Csv => (csv::read(&source)?, None),
            _ => (source, None),
        };
        let document = Document::plain(self, title, text);
        Ok(Document {
            encoding: Some(encoding),
            ..document
        })
    }
}

/// What is compressed in a file of gzip: its kind, its content, and what it is
/// declared as.
fn within<'d>(content: &[u8], declared: &'d str) -> Result<(Kind, Vec<u8>, &'d str), Error> {
    let outer = matches!(
        essence(declared).as_str(),
        "application/gzip" | "application/x-gzip"
    );
    let declared = if outer { "" } else { declared };
    let content = gzip::unfold(content)?;
    match Kind::of(&content, declared)? {
        Kind::Gzip => Err(Error::Unsupported(
            "application/gzip in application/gzip".into(),
        )),
        kind if !kind.may_be(declared) => Err(Error::Within(kind.media_type(), essence(declared))),
        kind => Ok((kind, content, declared)),
    }
}

/// What the parts of an archive make it.
fn of_archive(content: &[u8]) -> Result<Kind, Error> {
    let mut archive = Archive::open(content, "archive")?;
    for (part, kind) in [
        (docx::MAIN, Kind::Docx),
        (xlsx::MAIN, Kind::Xlsx),
        (pptx::MAIN, Kind::Pptx),
    ] {
        if archive.has(part) {
            return Ok(kind);
        }
    }
    // OpenDocument and EPUB say what they are.
    let said = archive.whole("mimetype")?.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    [Kind::Odt, Kind::Ods, Kind::Odp, Kind::Epub]
        .into_iter()
        .find(|kind| kind.media_type() == said.trim())
        .ok_or_else(|| Error::Unsupported("application/zip".into()))
}

/// Whether a file has a name in UTF-16.
fn has_wide(content: &[u8], name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    content.windows(wide.len()).any(|bytes| bytes == wide)
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

/// Text has no NUL and few other control characters, unless its encoding is
/// wide.
fn is_text(content: &[u8]) -> bool {
    if Wide::of(content).is_some() {
        return true;
    }
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
