//! The text of DOCX (WordprocessingML, ECMA-376), with its headers, notes and
//! comments after it. What tracked changes deleted is left out.

use crate::archive::Archive;
use crate::flow::{self, Rules};
use crate::{Document, Error, Kind, package};

pub(crate) const MAIN: &str = "word/document.xml";

const RULES: Rules = Rules {
    text: &["t"],
    // Properties, a drawing's second form for old readers.
    hidden: &["pPr", "rPr", "sectPr", "tblPr", "Fallback"],
    lines: &["p"],
    cells: &["tc"],
    rows: &["tr"],
    characters: &[
        ("tab", "\t"),
        ("br", "\n"),
        ("cr", "\n"),
        ("noBreakHyphen", "-"),
    ],
};

pub(crate) fn read(mut archive: Archive<'_>) -> Result<Document, Error> {
    let mut parts = vec![MAIN.to_owned()];
    for name in [
        "word/footnotes",
        "word/endnotes",
        "word/comments",
        "word/header",
        "word/footer",
    ] {
        parts.extend(archive.names(name, ".xml"));
    }
    let format = archive.format();
    let mut text = String::new();
    for name in parts {
        if let Some(part) = archive.part(&name)? {
            flow::read(part, format, &RULES, &mut text)?;
        }
    }
    text.truncate(text.trim_end().len());
    let title = package::title(&mut archive, "docProps/core.xml")?;
    Ok(Document::plain(Kind::Docx, title, text))
}
