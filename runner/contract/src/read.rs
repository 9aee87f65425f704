//! JSON → WIT: one walk over the text, straight into the bytes that the guest
//! finds in its memory. There is no tree in between, neither of JSON nor of
//! component values: base64 is decoded to where its bytes belong.
//!
//! The values of a type have one size, so they are written where they belong;
//! what they point to goes to the end of the image. Elements of a list, whose
//! number is not known before its end, grow on a stack and are moved when the
//! list is done.

mod flat;
mod object;
mod tagged;

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use self::flat::flatten;
use self::tagged::Tagged;
use super::fault::{Fault, Path, Step};
use super::interface::Function;
use super::types::{Integer, Item, Shape, Type, discriminant};

/// Where the image begins in the memory it is written for.
pub(super) const BASE: u32 = 8;
/// Parameters that are passed as values of the core machine; more of them are
/// passed as a pointer (the canonical ABI's `MAX_FLAT_PARAMS`).
pub(super) const MAX_FLAT: usize = wit_parser::Resolve::MAX_FLAT_PARAMS;

/// Largest integer below which every integer is a double (2⁵³).
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Characters shown of a string that is wrong.
const SHOWN: usize = 40;

/// Padding may be left out, as many encoders do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How strictly JSON is read.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Refuse fields that are not in the contract.
    pub strict: bool,
    /// Bytes the value may take in memory.
    pub memory: usize,
}

/// The image of a payload for this function: eight bytes for each value that is
/// passed as such, or for the one pointer, then what they point to.
///
/// # Errors
/// The first thing that does not fit.
pub fn read(function: &Function, data: &str, rules: Rules) -> Result<Vec<u8>, Fault> {
    let Some(ty) = &function.data else {
        return Ok(Vec::new());
    };
    let slots = if ty.values > MAX_FLAT { 1 } else { ty.values };
    let mut out = Writer {
        image: Vec::with_capacity(slots * 8 + data.len()),
        stack: vec![0; ty.size as usize],
        rules,
        reason: None,
        steps: Vec::new(),
    };
    out.image.resize(slots * 8, 0);
    let mut json = serde_json::Deserializer::from_str(data);
    let slot = Slot {
        out: &mut out,
        ty,
        at: 0,
        hidden: ty.notes.sensitive,
    };
    if let Err(error) = slot.deserialize(&mut json).and_then(|()| json.end()) {
        return Err(out.fault(&error));
    }
    let mut values = Vec::with_capacity(slots);
    if ty.values > MAX_FLAT {
        values.push(u64::from(out.settle(0, ty.size as usize, ty.align)));
    } else {
        flatten(ty, &out.stack, &mut values);
    }
    for (at, value) in values.iter().enumerate() {
        out.image[at * 8..][..8].copy_from_slice(&value.to_le_bytes());
    }
    Ok(out.image)
}

struct Writer {
    image: Vec<u8>,
    stack: Vec<u8>,
    rules: Rules,
    /// The first fault, and the way to it from below.
    reason: Option<String>,
    steps: Vec<Step>,
}

impl Writer {
    /// Move this many bytes of the stack, from here on, to the end of the image;
    /// returns their address.
    fn settle(&mut self, from: usize, bytes: usize, align: u32) -> u32 {
        let start = self.image.len().next_multiple_of(align as usize);
        self.image.resize(start, 0);
        self.image
            .extend_from_slice(&self.stack[from..from + bytes]);
        self.stack.truncate(from);
        BASE + start as u32
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.stack[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put_span(&mut self, at: usize, address: u32, length: usize) {
        self.put(at, &address.to_le_bytes());
        self.put(at + 4, &(length as u32).to_le_bytes());
    }

    fn put_case(&mut self, at: usize, case: usize, cases: usize) {
        let size = discriminant(cases) as usize;
        self.put(at, &(case as u32).to_le_bytes()[..size]);
    }

    /// Room for one more on the stack; where it begins.
    fn push<E: Error>(&mut self, size: usize) -> Result<usize, E> {
        let at = self.stack.len();
        self.afford(size)?;
        self.stack.resize(at + size, 0);
        Ok(at)
    }

    /// A short text may mean much memory: `[{},{}]` of records full of options.
    fn afford<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        if self.image.len() + self.stack.len() + bytes <= self.rules.memory {
            return Ok(());
        }
        let memory = self.rules.memory;
        Err(self.refuse(format!(
            "takes more than the {memory} bytes of memory of a job"
        )))
    }

    fn refuse<E: Error>(&mut self, reason: String) -> E {
        self.reason = Some(reason);
        E::custom("")
    }

    fn within<T, E>(&mut self, result: Result<T, E>, step: impl FnOnce() -> Step) -> Result<T, E> {
        if result.is_err() {
            self.steps.push(step());
        }
        result
    }

    fn fault(self, error: &serde_json::Error) -> Fault {
        let mut steps = self.steps;
        steps.reverse();
        Fault {
            path: Path {
                root: "data",
                steps,
            },
            reason: self
                .reason
                .unwrap_or_else(|| format!("is not JSON: {error}")),
        }
    }
}

/// A place for a value of a type.
struct Slot<'a> {
    out: &'a mut Writer,
    ty: &'a Type,
    at: usize,
    /// The value must not be shown.
    hidden: bool,
}

impl<'a> Slot<'a> {
    fn mismatch<E: Error>(self, found: &str) -> E {
        let expected = self.ty.expected();
        self.out
            .refuse(format!("expected {expected}, found {found}"))
    }

    fn found_text<E: Error>(self, text: &str) -> E {
        let found = match self.hidden {
            true => "a string".to_owned(),
            false => format!("the string {}", quoted(text)),
        };
        self.mismatch(&found)
    }

    fn found_number<E: Error>(self, number: impl fmt::Display) -> E {
        let found = match self.hidden {
            true => "a number".to_owned(),
            false => number.to_string(),
        };
        self.mismatch(&found)
    }

    fn integer<E: Error>(self, number: i128) -> Result<(), E> {
        match &self.ty.shape {
            Shape::Integer(integer) if integer.range().contains(&number) => {
                let bytes = number.to_le_bytes();
                self.out.put(self.at, &bytes[..integer.size() as usize]);
                Ok(())
            }
            Shape::Integer(integer) => Err(self.out_of_range(integer.name(), &number)),
            Shape::F32 | Shape::F64 => self.float(number as f64),
            _ => Err(self.found_number(number)),
        }
    }

    fn float<E: Error>(self, number: f64) -> Result<(), E> {
        match &self.ty.shape {
            Shape::F64 => self.out.put(self.at, &number.to_le_bytes()),
            Shape::F32 => {
                let narrow = number as f32;
                if narrow.is_infinite() {
                    return Err(self.out_of_range("f32", &number));
                }
                self.out.put(self.at, &narrow.to_le_bytes());
            }
            // Some producers write 3.0 for 3.
            Shape::Integer(_) if number.fract() == 0.0 && number.abs() <= EXACT => {
                return self.integer(number as i128);
            }
            Shape::Integer(integer) if number.fract() == 0.0 => {
                return Err(self.out_of_range(integer.name(), &number));
            }
            _ => return Err(self.found_number(number)),
        }
        Ok(())
    }

    fn out_of_range<E: Error>(self, of: &str, number: &dyn fmt::Display) -> E {
        let number = match self.hidden {
            true => "the number".to_owned(),
            false => number.to_string(),
        };
        self.out
            .refuse(format!("{number} is out of range for {of}"))
    }

    fn bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.out.afford(bytes.len())?;
        let start = self.out.image.len();
        self.out.image.extend_from_slice(bytes);
        self.out.put_span(self.at, BASE + start as u32, bytes.len());
        Ok(())
    }

    /// The elements of an array, however many.
    fn list<'de, A: SeqAccess<'de>>(self, ty: &Type, mut array: A) -> Result<(), A::Error> {
        let (start, size) = (self.out.stack.len(), ty.size as usize);
        let mut count = 0;
        let hidden = self.hidden || ty.notes.sensitive;
        loop {
            let at = self.out.push(size)?;
            let slot = Slot {
                out: &mut *self.out,
                ty,
                at,
                hidden,
            };
            let more = array.next_element_seed(slot);
            if self.out.within(more, || Step::Index(count))?.is_none() {
                break;
            }
            count += 1;
        }
        let address = self.out.settle(start, count * size, ty.align);
        self.out.put_span(self.at, address, count);
        Ok(())
    }

    /// A type within this one.
    fn inner<'b>(&'b mut self, ty: &'b Type, offset: u32) -> Slot<'b> {
        Slot {
            at: self.at + offset as usize,
            hidden: self.hidden || ty.notes.sensitive,
            out: self.out,
            ty,
        }
    }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match &self.ty.shape {
            Shape::Json => {
                let raw: &RawValue = serde::Deserialize::deserialize(json)?;
                self.bytes(raw.get().as_bytes())
            }
            Shape::Option(_) => json.deserialize_option(self),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Slot<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ty.expected())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.ty.shape {
            Shape::Bool => self.out.put(self.at, &[u8::from(value)]),
            _ if self.hidden => return Err(self.mismatch("a boolean")),
            _ => return Err(self.mismatch(if value { "true" } else { "false" })),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.integer(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.float(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match &self.ty.shape {
            Shape::String => self.bytes(text.as_bytes()),
            Shape::Bytes => {
                self.out.afford(base64::decoded_len_estimate(text.len()))?;
                let start = self.out.image.len();
                if BASE64.decode_vec(text, &mut self.out.image).is_err() {
                    return Err(self.found_text(text));
                }
                let length = self.out.image.len() - start;
                self.out.put_span(self.at, BASE + start as u32, length);
                Ok(())
            }
            Shape::Char => {
                let mut letters = text.chars();
                match (letters.next(), letters.next()) {
                    (Some(letter), None) => {
                        self.out.put(self.at, &u32::from(letter).to_le_bytes());
                        Ok(())
                    }
                    _ => Err(self.found_text(text)),
                }
            }
            Shape::Enum(cases) => match cases.iter().position(|case| case.key == text) {
                Some(case) => {
                    self.out.put_case(self.at, case, cases.len());
                    Ok(())
                }
                None => Err(self.found_text(text)),
            },
            _ => Err(self.found_text(text)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match &self.ty.shape {
            Shape::Option(_) => {
                self.out.put(self.at, &[0]);
                Ok(())
            }
            _ => Err(self.mismatch("null")),
        }
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(mut self, json: D) -> Result<(), D::Error> {
        let Shape::Option(Item { ty, offset }) = &self.ty.shape else {
            return Err(self.mismatch("a value"));
        };
        self.out.put(self.at, &[1]);
        match &ty.shape {
            // Null is taken for the outer one, so the inner one has a tag.
            Shape::Option(_) => json.deserialize_any(self),
            _ => self.inner(ty, *offset).deserialize(json),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        match &self.ty.shape {
            Shape::List(ty) => self.list(ty, array),
            Shape::Bytes => {
                let byte = Type::new(Shape::Integer(Integer::U8));
                self.list(&byte, array)
            }
            Shape::Tuple(items) => {
                for (at, item) in items.iter().enumerate() {
                    let found = array.next_element_seed(self.inner(&item.ty, item.offset));
                    let found = self.out.within(found, || Step::Index(at))?;
                    if found.is_none() {
                        return Err(self.mismatch(&format!("an array of {at}")));
                    }
                }
                let mut found = items.len();
                while array.next_element::<IgnoredAny>()?.is_some() {
                    found += 1;
                }
                match found == items.len() {
                    true => Ok(()),
                    false => Err(self.mismatch(&format!("an array of {found}"))),
                }
            }
            _ => Err(self.mismatch("an array")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, object: A) -> Result<(), A::Error> {
        match &self.ty.shape {
            Shape::Record(fields) => self.record(fields, object),
            Shape::Flags(flags) => self.flags(flags, object),
            Shape::Variant { .. } => Tagged(self).visit_map(object),
            Shape::Option(Item { ty, offset }) => Tagged(self.inner(ty, *offset)).visit_map(object),
            _ => Err(self.mismatch("an object")),
        }
    }
}
