//! The glyphs of a page as they are drawn, gathered into pieces.
//!
//! A PDF has no words and no lines, only glyphs at positions, so spaces and line
//! breaks are read off the distances between them.

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::Rect as PageBox;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::lines::{Lines, Piece, is_rtl};

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
/// The same where letters run from right to left: the narrowest, such as yod,
/// are a quarter wide.
const BACK_RTL: f64 = -0.2;
/// Text drawn again so near is the same text, in bold or with a shadow.
const SHADOW: f64 = 0.15;

/// The advance of a glyph that does not say, in thousandths of an em: half an
/// em, that of most letters.
const ADVANCE: f32 = 500.0;

/// Writes down the text of one page.
pub(super) struct Page {
    /// What is drawn off the page is not there for its readers.
    area: Rect,
    /// So many bytes may be written.
    room: usize,
    written: usize,
    lines: Lines,
    piece: Option<Piece>,
    /// The last glyph but spaces and marks.
    last: Option<Placed>,
    /// A space was drawn after it.
    spaced: bool,
    /// The first glyph of the last run, its code, and the length of the run.
    last_run: Option<(Placed, u32, usize)>,
}

/// Where a glyph is.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) start: Point,
    /// Where the next glyph of the word begins.
    pub(super) end: Point,
    /// The direction of the line, of length 1.
    pub(super) along: Vec2,
    /// The em.
    pub(super) size: f64,
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

    /// How far the next glyph is, along the line and across it.
    pub(super) fn step(&self, next: &Placed) -> (f64, f64) {
        let size = self.size.max(next.size);
        let step = next.start - self.end;
        (self.along.dot(step) / size, self.along.cross(step) / size)
    }
}

/// What stands in a gap of a line.
pub(super) fn gap(along: f64) -> Option<char> {
    if along > CELL {
        Some('\t')
    } else if along > SPACE {
        Some(' ')
    } else {
        None
    }
}

impl Page {
    /// At most `room` bytes, and a few, are kept.
    pub(super) fn new(area: PageBox, room: usize) -> Self {
        Page {
            area: Rect::new(area.x0, area.y0, area.x1, area.y1),
            room,
            written: 0,
            lines: Lines::default(),
            piece: None,
            last: None,
            spaced: false,
            last_run: None,
        }
    }

    /// Append the text of the page.
    pub(super) fn write(mut self, text: &mut String) {
        self.lines.add(self.piece.take());
        self.lines.write(text);
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

    fn is_on_page(&self, placed: &Placed) -> bool {
        self.area.contains(placed.start) || self.area.contains(placed.end)
    }

    fn glyph(&mut self, placed: Placed, unicode: Option<BfString>) {
        let letters = letters(unicode);
        let Some(first) = letters.chars().next() else {
            return;
        };
        if first.is_whitespace() {
            self.spaced = true;
            return;
        }
        self.written += letters.len();
        let (along, across) = self.last.map_or((0.0, 0.0), |last| last.step(&placed));
        let is_mark = is_combining_mark(first);
        let back = if is_rtl(first) { BACK_RTL } else { BACK };
        let breaks = across.abs() > LINE || along < back && !is_mark;
        let spaced = std::mem::take(&mut self.spaced);
        match &mut self.piece {
            Some(piece) if !breaks => {
                let gap = gap(along);
                let gap = if spaced { Some(' ') } else { gap };
                piece.push(&letters, placed, gap.filter(|_| !is_mark).zip(Some(along)));
            }
            piece => {
                let done = piece.replace(Piece::new(&letters, placed));
                self.lines.add(done);
            }
        }
        if !is_mark {
            self.last = Some(placed);
        }
    }
}

/// The letters of a glyph, in the order in which they are seen.
fn letters(unicode: Option<BfString>) -> String {
    let mut letters = String::new();
    match unicode {
        Some(BfString::Char(character)) => push(&mut letters, character),
        Some(BfString::String(characters)) => {
            characters.chars().for_each(|c| push(&mut letters, c));
        }
        None => letters.push(char::REPLACEMENT_CHARACTER),
    }
    // Ligatures name their letters as they are read.
    if letters.len() > 2 && letters.chars().any(is_rtl) {
        letters = letters.chars().rev().collect();
    }
    letters
}

/// Shapes are for the eye; whoever searches writes letters.
fn push(letters: &mut String, character: char) {
    let plain = match character {
        '\u{fb00}' => "ff",
        '\u{fb01}' => "fi",
        '\u{fb02}' => "fl",
        '\u{fb03}' => "ffi",
        '\u{fb04}' => "ffl",
        // A soft hyphen that is drawn is seen.
        '\u{ad}' => "-",
        // Marks of direction, which the order of the text has already obeyed,
        // and byte order marks.
        '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => "",
        // Presentation forms of Hebrew and Arabic.
        '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
            return letters.extend(std::iter::once(character).nfkc());
        }
        _ if character.is_control() && !character.is_whitespace() => "",
        _ => return letters.push(character),
    };
    letters.push_str(plain);
}

impl Device<'_> for Page {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        for (index, glyph) in run.glyphs().iter().enumerate() {
            if self.written > self.room {
                return;
            }
            let transform = props.transform * glyph.transform();
            let Some(placed) = Placed::new(transform, glyph, run.writing_mode()) else {
                continue;
            };
            if index == 0 && self.is_repeated(placed, glyph.char_code(), run.glyphs().len()) {
                return;
            }
            if self.is_on_page(&placed) {
                self.glyph(placed, glyph.as_unicode());
            }
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
