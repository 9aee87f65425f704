//! The text of PPTX (PresentationML, ECMA-376): slide by slide, each with its
//! notes. A slide is a page.

use crate::archive::Archive;
use crate::flow::{self, Rules};
use crate::package::{self, relations};
use crate::xml::{Piece, walk};
use crate::{Document, Error, Kind};

pub(crate) const MAIN: &str = "ppt/presentation.xml";

const RULES: Rules = Rules {
    text: &["t"],
    // A field in notes is the number of the slide.
    hidden: &["Fallback", "fld"],
    lines: &["p"],
    cells: &["tc"],
    rows: &["tr"],
    characters: &[("br", "\n")],
};

pub(crate) fn read(
    mut archive: Archive<'_>,
    mut on_page: impl FnMut(usize, usize),
) -> Result<Document, Error> {
    let format = archive.format();
    let slides = slides(&mut archive)?;
    let mut text = String::new();
    let mut pages = Vec::new();
    for (index, slide) in slides.iter().enumerate() {
        on_page(index + 1, slides.len());
        pages.push(text.len());
        let relations = relations(&mut archive, slide)?;
        let notes = relations
            .values()
            .find(|relation| relation.kind == "notesSlide");
        for name in [Some(slide), notes.map(|notes| &notes.target)]
            .into_iter()
            .flatten()
        {
            if let Some(part) = archive.part(name)? {
                flow::read(part, format, &RULES, &mut text)?;
            }
        }
    }
    text.truncate(text.trim_end().len());
    for start in &mut pages {
        *start = (*start).min(text.len());
    }
    let title = package::title(&mut archive, "docProps/core.xml")?;
    let document = Document::plain(Kind::Pptx, title, text);
    Ok(Document { pages, ..document })
}

/// The slides in the order in which they are shown.
fn slides(archive: &mut Archive<'_>) -> Result<Vec<String>, Error> {
    let format = archive.format();
    let relations = relations(archive, MAIN)?;
    let mut slides = Vec::new();
    if let Some(part) = archive.part(MAIN)? {
        walk(part, format, |piece| {
            if let Piece::Start("sldId", tag) = piece
                && let Some(slide) = tag.get("r:id").and_then(|id| relations.get(&id))
            {
                slides.push(slide.target.clone());
            }
            Ok(())
        })?;
    }
    Ok(slides)
}
