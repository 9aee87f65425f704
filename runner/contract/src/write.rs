//! WIT → JSON: the bytes a guest returned, as text.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::interface::Function;
use super::json::is_json;
use super::types::{Case, Field, Integer, Item, Shape, Type, discriminant};

/// A region of a guest's memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region<'a> {
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// The address of the first.
    pub(super) start: u32,
}

/// What a function returned, at this address: its value, or its error, as JSON.
///
/// # Errors
/// A text that should be JSON and is not, with its place.
pub(super) fn returned(
    function: &Function,
    region: Region<'_>,
    at: u32,
) -> Result<Result<Option<String>, Option<String>>, String> {
    let Some(ty) = &function.returns else {
        return Ok(Ok(None));
    };
    let Shape::Variant { cases, payload } = &ty.shape else {
        return json(ty, region, at).map(|text| Ok(Some(text)));
    };
    if !function.fallible {
        return json(ty, region, at).map(|text| Ok(Some(text)));
    }
    let case = region.number(at, 1)? as usize;
    let value = match cases.get(case).and_then(|case| case.ty.as_ref()) {
        Some(ty) => Some(json(ty, region, at + payload)?),
        None => None,
    };
    Ok(match case {
        0 => Ok(value),
        _ => Err(value),
    })
}

pub(super) fn json(ty: &Type, region: Region<'_>, at: u32) -> Result<String, String> {
    let mut text = Vec::new();
    write(ty, region, at, &mut text)
        .map_err(|Broken { steps, reason }| format!("result{steps}: {reason}"))?;
    Ok(String::from_utf8(text).expect("it was put together from texts"))
}

/// What cannot be written, and the way to it.
struct Broken {
    steps: String,
    reason: String,
}

impl Broken {
    /// The same, seen from one step further out.
    fn within(self, step: &str) -> Broken {
        Broken {
            steps: format!("{step}{}", self.steps),
            ..self
        }
    }
}

impl From<String> for Broken {
    fn from(reason: String) -> Broken {
        Broken {
            steps: String::new(),
            reason,
        }
    }
}

impl Region<'_> {
    fn get(&self, at: u32, length: usize) -> Result<&[u8], String> {
        let from = at.checked_sub(self.start).map(|from| from as usize);
        from.and_then(|from| self.bytes.get(from..)?.get(..length))
            .ok_or_else(|| format!("{length} bytes at {at} are outside of what was returned"))
    }

    fn number(&self, at: u32, size: u32) -> Result<u64, String> {
        let mut number = [0; 8];
        number[..size as usize].copy_from_slice(self.get(at, size as usize)?);
        Ok(u64::from_le_bytes(number))
    }

    /// Address and number of a list.
    fn span(&self, at: u32) -> Result<(u32, usize), String> {
        let both = self.number(at, 8)?;
        Ok((both as u32, (both >> 32) as usize))
    }

    fn case<'c>(&self, at: u32, cases: &'c [Case]) -> Result<&'c Case, String> {
        let case = self.number(at, discriminant(cases.len()))? as usize;
        cases.get(case).ok_or_else(|| "is no case".to_owned())
    }

    fn text(&self, at: u32) -> Result<&str, String> {
        let (start, length) = self.span(at)?;
        std::str::from_utf8(self.get(start, length)?).map_err(|error| error.to_string())
    }
}

fn write(ty: &Type, region: Region<'_>, at: u32, out: &mut Vec<u8>) -> Result<(), Broken> {
    match &ty.shape {
        Shape::Bool => out.extend_from_slice(truth(region.number(at, 1)? != 0)),
        Shape::Integer(kind) => integer(*kind, region.number(at, kind.size())?, out),
        Shape::F32 => plain(&f32::from_bits(region.number(at, 4)? as u32), out),
        Shape::F64 => plain(&f64::from_bits(region.number(at, 8)?), out),
        Shape::Char => {
            let letter = char::from_u32(region.number(at, 4)? as u32);
            plain(&letter.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
        Shape::String => plain(region.text(at)?, out),
        Shape::Json => {
            let text = region.text(at)?;
            is_json(text)?;
            out.extend_from_slice(text.as_bytes());
        }
        Shape::Bytes => {
            let (start, length) = region.span(at)?;
            bytes(region.get(start, length)?, out)?;
        }
        Shape::List(ty) => {
            let (start, length) = region.span(at)?;
            let items = (0..length).map(|n| (&**ty, start + n as u32 * ty.size));
            array(items, region, out)?;
        }
        Shape::Tuple(items) => {
            let items = items.iter().map(|item| (&*item.ty, at + item.offset));
            array(items, region, out)?;
        }
        Shape::Record(fields) => record(fields, region, at, out)?,
        Shape::Option(item) => option(item, region, at, out)?,
        Shape::Enum(cases) => plain(&region.case(at, cases)?.key, out),
        Shape::Variant { cases, payload } => {
            let case = region.case(at, cases)?;
            out.extend_from_slice(b"{\"tag\":");
            plain(&case.key, out);
            if let Some(ty) = &case.ty {
                out.extend_from_slice(b",\"val\":");
                write(ty, region, at + payload, out).map_err(|broken| broken.within(".val"))?;
            }
            out.push(b'}');
        }
        Shape::Flags(flags) => object(flags, region.number(at, ty.size)?, out),
    }
    Ok(())
}

fn truth(value: bool) -> &'static [u8] {
    match value {
        true => b"true",
        false => b"false",
    }
}

fn integer(kind: Integer, number: u64, out: &mut Vec<u8>) {
    let written = match kind {
        Integer::S8 => write!(out, "{}", number as i8),
        Integer::S16 => write!(out, "{}", number as i16),
        Integer::S32 => write!(out, "{}", number as i32),
        Integer::S64 => write!(out, "{}", number as i64),
        _ => write!(out, "{number}"),
    };
    written.expect("a Vec takes everything");
}

/// Bytes as base64, straight to where they belong.
fn bytes(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let length = base64::encoded_len(bytes.len(), true);
    let length = length.ok_or_else(|| "has too many bytes".to_owned())?;
    out.push(b'"');
    let from = out.len();
    out.resize(from + length, 0);
    STANDARD
        .encode_slice(bytes, &mut out[from..])
        .expect("there is room for it");
    out.push(b'"');
    Ok(())
}

fn record(fields: &[Field], region: Region<'_>, at: u32, out: &mut Vec<u8>) -> Result<(), Broken> {
    out.push(b'{');
    let open = out.len();
    for field in fields {
        let place = at + field.offset;
        // As JavaScript writes what is undefined: not at all.
        if field.is_optional() && region.number(place, 1)? == 0 {
            continue;
        }
        if out.len() > open {
            out.push(b',');
        }
        plain(&field.key, out);
        out.push(b':');
        write(&field.ty, region, place, out)
            .map_err(|broken| broken.within(&format!(".{}", field.key)))?;
    }
    out.push(b'}');
    Ok(())
}

fn option(item: &Item, region: Region<'_>, at: u32, out: &mut Vec<u8>) -> Result<(), Broken> {
    let place = at + item.offset;
    match (region.number(at, 1)?, &item.ty.shape) {
        (0, _) => out.extend_from_slice(b"null"),
        (_, Shape::Option(_)) if region.number(place, 1)? == 0 => {
            out.extend_from_slice(br#"{"tag":"none"}"#);
        }
        (_, Shape::Option(inner)) => {
            out.extend_from_slice(br#"{"tag":"some","val":"#);
            write(&inner.ty, region, place + inner.offset, out)?;
            out.push(b'}');
        }
        _ => write(&item.ty, region, place, out)?,
    }
    Ok(())
}

/// Flags as an object of booleans.
fn object(flags: &[Case], bits: u64, out: &mut Vec<u8>) {
    out.push(b'{');
    for (bit, flag) in flags.iter().enumerate() {
        if bit > 0 {
            out.push(b',');
        }
        plain(&flag.key, out);
        out.push(b':');
        out.extend_from_slice(truth(bits >> bit & 1 == 1));
    }
    out.push(b'}');
}

fn array<'a>(
    items: impl Iterator<Item = (&'a Type, u32)>,
    region: Region<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Broken> {
    out.push(b'[');
    for (n, (ty, at)) in items.enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write(ty, region, at, out).map_err(|broken| broken.within(&format!("[{n}]")))?;
    }
    out.push(b']');
    Ok(())
}

/// A number or text as JSON; what is not a number is null, as in JavaScript.
fn plain<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("texts and numbers are JSON");
}
