//! The text of PDF, page by page.
//!
//! hayro interprets each page; instead of drawing the glyphs, [`Page`] writes
//! them down. A PDF has no words and no lines, only glyphs at positions, so
//! spaces and line breaks are read off the distances between them.

use encoding_rs::{UTF_8, UTF_16BE, WINDOWS_1252};
use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};

use crate::{Document, Error, Kind, MAX_TEXT};

// Distances are in em, the size of the font.

/// A baseline so far away is another line; superscripts stay within a third.
const LINE: f64 = 0.6;
/// A gap so wide is a space. Spaces of fonts are 0.25 to 0.33 wide, kerning
/// stays under 0.1.
const SPACE: f64 = 0.15;
/// A gap so wide is that between two cells of a table: justified lines have
/// narrower ones.
const CELL: f64 = 1.0;
/// A step back so wide begins something new on the same baseline.
const BACK: f64 = -0.5;
/// Text drawn again so near is the same text, in bold or with a shadow.
const SHADOW: f64 = 0.15;

/// The advance of a glyph that does not say, in thousandths of an em: half an
/// em, that of most letters.
const ADVANCE: f32 = 500.0;

pub(crate) fn read(
    content: Vec<u8>,
    mut on_page: impl FnMut(usize, usize),
) -> Result<Document, Error> {
    let pdf = Pdf::new(content).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Error::Password,
        LoadPdfError::Decryption(_) => Error::Encryption,
        LoadPdfError::Invalid => Error::Damaged,
    })?;
    let count = pdf.pages().len();
    if count == 0 {
        return Err(Error::Damaged);
    }
    let cache = InterpreterCache::new();
    let mut text = String::new();
    let mut pages = Vec::with_capacity(count);
    for (index, page) in pdf.pages().iter().enumerate() {
        on_page(index + 1, count);
        pages.push(text.len());
        let mut context = Context::new(
            Affine::IDENTITY,
            // What lies outside of the page is text all the same.
            Rect::new(f64::MIN, f64::MIN, f64::MAX, f64::MAX),
            &cache,
            pdf.xref(),
            InterpreterSettings::default(),
        );
        interpret_page(page, &mut context, &mut Page::new(&mut text));
        if text.len() > MAX_TEXT {
            return Err(Error::TooLong);
        }
        end_line(&mut text);
    }
    text.truncate(text.trim_end().len());
    for start in &mut pages {
        *start = (*start).min(text.len());
    }
    let title = pdf.metadata().title.as_deref().map(string);
    Ok(Document {
        kind: Kind::Pdf,
        title: title.filter(|title| !title.is_empty()),
        encoding: None,
        text,
        pages,
    })
}

/// A text string (ISO 32000-1, 7.9.2.2). PDFDocEncoding is Windows-1252 but for
/// a few characters of typography.
fn string(bytes: &[u8]) -> String {
    let (text, _) = match bytes {
        [0xfe, 0xff, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => UTF_8.decode_without_bom_handling(rest),
        _ => WINDOWS_1252.decode_without_bom_handling(bytes),
    };
    text.trim().to_owned()
}

fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches([' ', '\t']).len());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Writes down the text of one page.
struct Page<'t> {
    text: &'t mut String,
    last: Option<Placed>,
    /// The first glyph of the last run, its code, and the length of the run.
    last_run: Option<(Placed, u32, usize)>,
}

/// Where a glyph is.
#[derive(Clone, Copy)]
struct Placed {
    start: Point,
    /// Where the next glyph of the word begins.
    end: Point,
    /// The direction of the line, of length 1.
    along: Vec2,
    /// The em.
    size: f64,
}

impl Placed {
    fn new(transform: Affine, glyph: &Glyph<'_>, writing_mode: WritingMode) -> Option<Self> {
        let [xx, xy, yx, yy, ..] = transform.as_coeffs();
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(drawing) => drawing.advance_width(),
        };
        // Glyphs are a thousand units wide and high.
        let (axis, advance) = match writing_mode {
            WritingMode::Horizontal => (Vec2::new(xx, xy), advance.unwrap_or(ADVANCE)),
            WritingMode::Vertical => (Vec2::new(-yx, -yy), 1000.0),
        };
        let start = transform * Point::ZERO;
        let size = axis.hypot() * 1000.0;
        (size > 0.0 && size.is_finite() && start.is_finite()).then(|| Placed {
            start,
            end: start + axis * f64::from(advance),
            along: axis / axis.hypot(),
            size,
        })
    }

    /// What stands between this glyph and the next one.
    fn gap(&self, next: &Placed) -> Option<char> {
        let size = self.size.max(next.size);
        let step = next.start - self.end;
        let along = self.along.dot(step) / size;
        let across = self.along.cross(step) / size;
        if across.abs() > LINE || along < BACK {
            Some('\n')
        } else if along > CELL {
            Some('\t')
        } else if along > SPACE {
            Some(' ')
        } else {
            None
        }
    }
}

impl<'t> Page<'t> {
    fn new(text: &'t mut String) -> Self {
        Page {
            text,
            last: None,
            last_run: None,
        }
    }

    /// Whether a run was drawn just before: fonts are made bold and get shadows
    /// so, and filled and stroked text arrives twice.
    fn is_repeated(&mut self, first: Placed, code: u32, length: usize) -> bool {
        let last = self.last_run.replace((first, code, length));
        last.is_some_and(|(last, last_code, last_length)| {
            last_code == code
                && last_length == length
                && last.start.distance(first.start) < SHADOW * first.size
        })
    }

    fn gap(&mut self, gap: char) {
        if gap == '\n' {
            end_line(self.text);
        } else if !self.text.ends_with([' ', '\t', '\n']) {
            self.text.push(gap);
        }
    }

    fn write(&mut self, unicode: Option<BfString>) {
        match unicode {
            Some(BfString::Char(character)) => self.push(character),
            Some(BfString::String(characters)) => characters.chars().for_each(|c| self.push(c)),
            None => self.push(char::REPLACEMENT_CHARACTER),
        }
    }

    fn push(&mut self, character: char) {
        // Ligatures are for the eye; whoever searches writes letters.
        let letters = match character {
            '\u{fb00}' => "ff",
            '\u{fb01}' => "fi",
            '\u{fb02}' => "fl",
            '\u{fb03}' => "ffi",
            '\u{fb04}' => "ffl",
            '\u{a0}' => " ",
            // A soft hyphen that is drawn stands at the end of a line.
            '\u{ad}' => "-",
            _ if character.is_control() => "",
            _ => return self.text.push(character),
        };
        self.text.push_str(letters);
    }
}

impl Device<'_> for Page<'_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        if self.text.len() > MAX_TEXT {
            return;
        }
        for (index, glyph) in run.glyphs().iter().enumerate() {
            let transform = props.transform * glyph.transform();
            let Some(placed) = Placed::new(transform, glyph, run.writing_mode()) else {
                continue;
            };
            if index == 0 && self.is_repeated(placed, glyph.char_code(), run.glyphs().len()) {
                return;
            }
            if let Some(gap) = self.last.and_then(|last| last.gap(&placed)) {
                self.gap(gap);
            }
            self.last = Some(placed);
            self.write(glyph.as_unicode());
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'_>, _: &DrawMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn pop_clip(&mut self) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn pop_transparency_group(&mut self) {}
}
