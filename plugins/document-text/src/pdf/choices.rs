//! What the fields of forms show without a drawing of their own: readers draw
//! the choices of list boxes, and values where no appearance is in the file.

use hayro_interpret::hayro_syntax::object::dict::keys::{ANNOTS, AP, F, FF, FT, OPT, PARENT, V};
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, String as Text};

use super::string;

/// Hidden and not to be viewed (ISO 32000-1, 12.5.3).
const HIDDEN: u32 = 1 << 1 | 1 << 5;
/// A choice with a list that opens; others show it (12.7.4.4).
const COMBO: u32 = 1 << 17;
/// A text that is shown as stars (12.7.4.3).
const PASSWORD: u32 = 1 << 13;
/// Fields inherit from so many parents: forms have two or three levels.
const LEVELS: usize = 16;

/// Append what the fields of a page show and its text, from `start` on, does not
/// have yet.
pub(super) fn write(page: &Dict<'_>, start: usize, text: &mut String) {
    let Some(annotations) = page.get::<Array<'_>>(ANNOTS) else {
        return;
    };
    let mut lines = Vec::new();
    for widget in annotations.iter::<Dict<'_>>() {
        if widget.get::<u32>(F).unwrap_or(0) & HIDDEN == 0 {
            field(&widget, &mut lines);
        }
    }
    lines.retain(|line| {
        let seen = &text[start..];
        !line.is_empty() && !seen.lines().any(|drawn| drawn.trim() == line)
    });
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
}

fn field(widget: &Dict<'_>, lines: &mut Vec<String>) {
    let Some(kind) = holder(widget, FT).and_then(|field| field.get::<Name<'_>>(FT)) else {
        return;
    };
    let flags = holder(widget, FF).and_then(|field| field.get::<u32>(FF));
    let flags = flags.unwrap_or(0);
    let is_drawn = widget.contains_key(AP);
    match &*kind {
        b"Ch" if flags & COMBO == 0 => {
            // The first one that is in view.
            let top = widget.get::<u32>(b"TI").unwrap_or(0) as usize;
            let options = holder(widget, OPT).and_then(|field| field.get::<Array<'_>>(OPT));
            let options = options.iter().flat_map(Array::iter::<Object<'_>>);
            lines.extend(options.skip(top).filter_map(label));
        }
        b"Ch" | b"Tx" if !is_drawn && flags & PASSWORD == 0 => {
            let value = holder(widget, V).and_then(|field| field.get::<Text<'_>>(V));
            lines.extend(value.map(|value| string(value.as_bytes())));
        }
        _ => {}
    }
}

/// What an option is called: a text, or the second one of two.
fn label(option: Object<'_>) -> Option<String> {
    match option {
        Object::String(label) => Some(string(label.as_bytes())),
        Object::Array(pair) => {
            let label = pair.iter::<Text<'_>>().last()?;
            Some(string(label.as_bytes()))
        }
        _ => None,
    }
}

/// The field or the next one above it that has the key.
fn holder<'a>(field: &Dict<'a>, key: &[u8]) -> Option<Dict<'a>> {
    let mut field = field.clone();
    for _ in 0..LEVELS {
        if field.contains_key(key) {
            return Some(field);
        }
        field = field.get::<Dict<'a>>(PARENT)?;
    }
    None
}
