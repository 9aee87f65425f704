//! The text of OpenDocument (ODF 1.3): texts, sheets and presentations. What
//! tracked changes deleted is left out.

use crate::archive::Archive;
use crate::flow::{self, Rules};
use crate::{Document, Error, Kind, package};

const CONTENT: &str = "content.xml";

const RULES: Rules = Rules {
    text: &["p", "h"],
    hidden: &[
        "tracked-changes",
        "automatic-styles",
        "scripts",
        "font-face-decls",
    ],
    lines: &["p", "h"],
    cells: &["table-cell", "covered-table-cell"],
    rows: &["table-row"],
    characters: &[("tab", "\t"), ("line-break", "\n"), ("s", " ")],
};

pub(crate) fn read(mut archive: Archive<'_>, kind: Kind) -> Result<Document, Error> {
    let format = archive.format();
    let manifest = archive.whole("META-INF/manifest.xml")?.unwrap_or_default();
    let encrypted: &[u8] = b"encryption-data";
    if manifest
        .windows(encrypted.len())
        .any(|bytes| bytes == encrypted)
    {
        return Err(Error::Password(format));
    }
    let mut text = String::new();
    let Some(part) = archive.part(CONTENT)? else {
        return Err(Error::Broken {
            format,
            reason: format!("it has no {CONTENT}"),
        });
    };
    flow::read(part, format, &RULES, &mut text)?;
    text.truncate(text.trim_end().len());
    let title = package::title(&mut archive, "meta.xml")?;
    Ok(Document::plain(kind, title, text))
}
