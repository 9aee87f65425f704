//! WIT → JSON: the bytes a guest returned, as text.

use std::fmt::Write;

use super::interface::Function;
use super::types::{Integer, Shape, Type, discriminant};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

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
    let mut text = String::new();
    write(ty, region, at, &mut text)
        .map_err(|Broken { steps, reason }| format!("result{steps}: {reason}"))?;
    Ok(text)
}

/// What cannot be written, and the way to it.
struct Broken {
    steps: String,
    reason: String,
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

    fn text(&self, at: u32) -> Result<&str, String> {
        let (start, length) = self.span(at)?;
        std::str::from_utf8(self.get(start, length)?).map_err(|error| error.to_string())
    }
}

fn write(ty: &Type, region: Region<'_>, at: u32, out: &mut String) -> Result<(), Broken> {
    match &ty.shape {
        Shape::Bool => out.push_str(match region.number(at, 1)? {
            0 => "false",
            _ => "true",
        }),
        Shape::Integer(integer) => {
            let number = region.number(at, integer.size())?;
            let _ = match integer {
                Integer::S8 => write!(out, "{}", number as i8),
                Integer::S16 => write!(out, "{}", number as i16),
                Integer::S32 => write!(out, "{}", number as i32),
                Integer::S64 => write!(out, "{}", number as i64),
                _ => write!(out, "{number}"),
            };
        }
        Shape::F32 => out.push_str(&plain(&f32::from_bits(region.number(at, 4)? as u32))),
        Shape::F64 => out.push_str(&plain(&f64::from_bits(region.number(at, 8)?))),
        Shape::Char => {
            let letter = char::from_u32(region.number(at, 4)? as u32);
            out.push_str(&plain(&letter.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        Shape::String => out.push_str(&plain(region.text(at)?)),
        Shape::Json => {
            let text = region.text(at)?;
            serde_json::from_str::<&RawValue>(text)
                .map_err(|error| format!("is not JSON: {error}"))?;
            out.push_str(text);
        }
        Shape::Bytes => {
            let (start, length) = region.span(at)?;
            out.push('"');
            STANDARD.encode_string(region.get(start, length)?, out);
            out.push('"');
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
        Shape::Record(fields) => {
            out.push('{');
            let open = out.len();
            for field in fields {
                let place = at + field.offset;
                // As JavaScript writes what is undefined: not at all.
                if field.is_optional() && region.number(place, 1)? == 0 {
                    continue;
                }
                if out.len() > open {
                    out.push(',');
                }
                out.push_str(&plain(&field.key));
                out.push(':');
                write(&field.ty, region, place, out).map_err(|broken| Broken {
                    steps: format!(".{}{}", field.key, broken.steps),
                    ..broken
                })?;
            }
            out.push('}');
        }
        Shape::Option(item) => match (region.number(at, 1)?, &item.ty.shape) {
            (0, _) => out.push_str("null"),
            (_, Shape::Option(inner)) => {
                let place = at + item.offset;
                if region.number(place, 1)? == 0 {
                    out.push_str(r#"{"tag":"none"}"#);
                } else {
                    out.push_str(r#"{"tag":"some","val":"#);
                    write(&inner.ty, region, place + inner.offset, out)?;
                    out.push('}');
                }
            }
            _ => write(&item.ty, region, at + item.offset, out)?,
        },
        Shape::Enum(cases) => {
            let case = region.number(at, discriminant(cases.len()))? as usize;
            let case = cases.get(case).ok_or_else(|| "is no case".to_owned())?;
            out.push_str(&plain(&case.key));
        }
        Shape::Variant { cases, payload } => {
            let case = region.number(at, discriminant(cases.len()))? as usize;
            let case = cases.get(case).ok_or_else(|| "is no case".to_owned())?;
            out.push_str("{\"tag\":");
            out.push_str(&plain(&case.key));
            if let Some(ty) = &case.ty {
                out.push_str(",\"val\":");
                write(ty, region, at + payload, out).map_err(|broken| Broken {
                    steps: format!(".val{}", broken.steps),
                    ..broken
                })?;
            }
            out.push('}');
        }
        Shape::Flags(flags) => {
            let bits = region.number(at, ty.size)?;
            out.push('{');
            for (bit, flag) in flags.iter().enumerate() {
                if bit > 0 {
                    out.push(',');
                }
                out.push_str(&plain(&flag.key));
                out.push_str(if bits >> bit & 1 == 1 {
                    ":true"
                } else {
                    ":false"
                });
            }
            out.push('}');
        }
    }
    Ok(())
}

fn array<'a>(
    items: impl Iterator<Item = (&'a Type, u32)>,
    region: Region<'_>,
    out: &mut String,
) -> Result<(), Broken> {
    out.push('[');
    for (n, (ty, at)) in items.enumerate() {
        if n > 0 {
            out.push(',');
        }
        write(ty, region, at, out).map_err(|broken| Broken {
            steps: format!("[{n}]{}", broken.steps),
            ..broken
        })?;
    }
    out.push(']');
    Ok(())
}

/// A number or text as JSON; what is not a number is null, as in JavaScript.
fn plain<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}
