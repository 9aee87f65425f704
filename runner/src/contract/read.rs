//! JSON → WIT: one walk over the text, straight into the bytes that the guest
//! finds in its memory. There is no tree in between, neither of JSON nor of
//! component values: a list of bytes is base64 decoded in place.
//!
//! The values of a type have one size, so they are written where they belong;
//! what they point to goes to the end of the image. Elements of a list, whose
//! number is not known before its end, grow on a stack and are moved when the
//! list is done.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Fault, Path, Step};
use super::interface::Function;
use super::types::{Case, Field, Item, Shape, Type, discriminant, one_of};

/// Where the image begins in the memory it is written for.
pub(super) const BASE: u32 = 8;
/// Parameters that are passed as values of the core machine; more of them are
/// passed as a pointer (the canonical ABI's `MAX_FLAT_PARAMS`).
pub(super) const MAX_FLAT: usize = 16;

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
    /// Refuse fields that the contract has not.
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
    let flat = ty.flat().len();
    let slots = if flat > MAX_FLAT { 1 } else { flat };
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
    if flat > MAX_FLAT {
        let stack = std::mem::take(&mut out.stack);
        values.push(u64::from(out.append(&stack, ty.align)));
    } else {
        flatten(ty, &out.stack, &mut values);
    }
    for (at, value) in values.iter().enumerate() {
        out.image[at * 8..][..8].copy_from_slice(&value.to_le_bytes());
    }
    Ok(out.image)
}

/// The values of the core machine that a value in memory becomes.
fn flatten(ty: &Type, bytes: &[u8], values: &mut Vec<u64>) {
    let start = values.len();
    let number = |size: u32| {
        let mut number = [0; 8];
        number[..size as usize].copy_from_slice(&bytes[..size as usize]);
        u64::from_le_bytes(number)
    };
    match &ty.shape {
        Shape::Integer(integer) => {
            let value = number(integer.size());
            // A small negative number is one of 32 bits, too.
            let unused = 64 - 8 * integer.size();
            values.push(match integer.range().start() {
                0 => value,
                _ if integer.size() == 8 => value,
                _ => u64::from((((value << unused) as i64) >> unused) as i32 as u32),
            });
        }
        Shape::Bool | Shape::Char | Shape::F32 | Shape::F64 | Shape::Enum(_) | Shape::Flags(_) => {
            values.push(number(ty.size));
        }
        Shape::String | Shape::Json | Shape::Bytes | Shape::List(_) => {
            let both = number(8);
            values.extend([both & u64::from(u32::MAX), both >> 32]);
        }
        Shape::Tuple(items) => {
            for item in items {
                flatten(&item.ty, &bytes[item.offset as usize..], values);
            }
        }
        Shape::Record(fields) => {
            for field in fields {
                flatten(&field.ty, &bytes[field.offset as usize..], values);
            }
        }
        Shape::Option(item) => {
            values.push(number(1));
            if bytes[0] == 1 {
                flatten(&item.ty, &bytes[item.offset as usize..], values);
            }
        }
        Shape::Variant { cases, payload } => {
            let case = number(discriminant(cases.len()));
            values.push(case);
            if let Some(ty) = cases.get(case as usize).and_then(|case| case.ty.as_ref()) {
                flatten(ty, &bytes[*payload as usize..], values);
            }
        }
    }
    // Cases share places; what the one does not use is zero.
    values.resize(start + ty.flat().len(), 0);
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
    /// Put bytes at the end of the image; their address.
    fn append(&mut self, bytes: &[u8], align: u32) -> u32 {
        let start = self.image.len().next_multiple_of(align as usize);
        self.image.resize(start, 0);
        self.image.extend_from_slice(bytes);
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
        let address = self.out.append(bytes, 1);
        self.out.put_span(self.at, address, bytes.len());
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
            Shape::Bytes => match BASE64.decode(text) {
                Ok(bytes) => self.bytes(&bytes),
                Err(_) => Err(self.found_text(text)),
            },
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
        let inner = self.inner(ty, *offset);
        match &ty.shape {
            // Null is taken for the outer one.
            Shape::Option(_) => json.deserialize_map(Tagged(inner)),
            _ => inner.deserialize(json),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        match &self.ty.shape {
            Shape::List(ty) => {
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
                let elements = self.out.stack.split_off(start);
                let address = self.out.append(&elements[..count * size], ty.align);
                self.out.put_span(self.at, address, count);
                Ok(())
            }
            Shape::Bytes => {
                let mut bytes = Vec::new();
                let byte = Type::new(Shape::Integer(super::types::Integer::U8));
                loop {
                    let at = self.out.push(1)?;
                    let slot = Slot {
                        out: &mut *self.out,
                        ty: &byte,
                        at,
                        hidden: self.hidden,
                    };
                    let more = array.next_element_seed(slot);
                    let more = self.out.within(more, || Step::Index(bytes.len()))?;
                    let byte = self.out.stack.pop();
                    if more.is_none() {
                        break;
                    }
                    bytes.extend(byte);
                    self.out.afford(bytes.len())?;
                }
                self.bytes(&bytes)
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

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        match &self.ty.shape {
            Shape::Record(fields) => self.record(fields, object),
            Shape::Flags(flags) => self.flags(flags, object),
            Shape::Variant { .. } => Tagged(self).visit_map(object),
            _ => Err(self.mismatch("an object")),
        }
    }
}

impl Slot<'_> {
    fn record<'de, A: MapAccess<'de>>(
        mut self,
        fields: &[Field],
        mut object: A,
    ) -> Result<(), A::Error> {
        // Which fields were there, on the stack.
        let seen = self.out.push(fields.len())?;
        let mut next = 0;
        while let Some(key) = object.next_key_seed(Keys {
            names: fields.iter().map(|field| field.key.as_str()),
            next,
            strict: self.out.rules.strict,
        })? {
            match key {
                Key::Known(at) => {
                    let field = &fields[at];
                    self.out.stack[seen + at] = 1;
                    let mut slot = self.inner(&field.ty, field.offset);
                    slot.hidden |= field.notes.sensitive;
                    let value = object.next_value_seed(slot);
                    self.out.within(value, || Step::Key(field.key.clone()))?;
                    next = at + 1;
                }
                Key::Unknown => {
                    object.next_value::<IgnoredAny>()?;
                }
                Key::Refused(key) => {
                    let names: Vec<String> = fields
                        .iter()
                        .map(|field| format!("{:?}", field.key))
                        .collect();
                    let reason = format!("is not in the contract, which has {}", names.join(", "));
                    let refused = Err(self.out.refuse(reason));
                    return self.out.within(refused, || Step::Key(key));
                }
            }
        }
        let missing = fields
            .iter()
            .enumerate()
            .find(|(at, field)| self.out.stack[seen + at] == 0 && !field.is_optional());
        if let Some((_, field)) = missing {
            let reason = format!("is missing; expected {}", field.ty.expected());
            let refused = Err(self.out.refuse(reason));
            return self.out.within(refused, || Step::Key(field.key.clone()));
        }
        self.out.stack.truncate(seen);
        Ok(())
    }

    fn flags<'de, A: MapAccess<'de>>(self, flags: &[Case], mut object: A) -> Result<(), A::Error> {
        let mut bits = 0_u32;
        let mut next = 0;
        while let Some(key) = object.next_key_seed(Keys {
            names: flags.iter().map(|flag| flag.key.as_str()),
            next,
            strict: self.out.rules.strict,
        })? {
            match key {
                Key::Known(at) => {
                    let ty = Type::new(Shape::Bool);
                    let place = self.out.push(1)?;
                    let slot = Slot {
                        out: &mut *self.out,
                        ty: &ty,
                        at: place,
                        hidden: self.hidden,
                    };
                    let value = object.next_value_seed(slot);
                    self.out
                        .within(value, || Step::Key(flags[at].key.clone()))?;
                    let set = self.out.stack.pop() == Some(1);
                    bits = bits & !(1 << at) | u32::from(set) << at;
                    next = at + 1;
                }
                Key::Unknown => {
                    object.next_value::<IgnoredAny>()?;
                }
                Key::Refused(key) => {
                    let reason = format!("is not a flag of the contract: {}", one_of(flags));
                    let refused = Err(self.out.refuse(reason));
                    return self.out.within(refused, || Step::Key(key));
                }
            }
        }
        let size = self.ty.size as usize;
        self.out.put(self.at, &bits.to_le_bytes()[..size]);
        Ok(())
    }
}

/// A key of an object, looked up among names.
struct Keys<N> {
    names: N,
    /// Objects mostly have their keys in the order of the type.
    next: usize,
    strict: bool,
}

enum Key {
    Known(usize),
    Unknown,
    Refused(String),
}

impl<'de, 'n, N: Iterator<Item = &'n str> + Clone> DeserializeSeed<'de> for Keys<N> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Key, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl<'n, N: Iterator<Item = &'n str> + Clone> Visitor<'_> for Keys<N> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        let expected = self.names.clone().nth(self.next) == Some(key);
        let at = match expected {
            true => Some(self.next),
            false => self.names.clone().position(|name| name == key),
        };
        Ok(match at {
            Some(at) => Key::Known(at),
            None if self.strict => Key::Refused(key.to_owned()),
            None => Key::Unknown,
        })
    }
}

/// `{"tag": …, "val": …}`, in any order: a variant, or an option within an
/// option.
struct Tagged<'a>(Slot<'a>);

impl<'de> Visitor<'de> for Tagged<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.ty.expected())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        const NAMES: [&str; 2] = ["tag", "val"];
        let Tagged(mut slot) = self;
        let mut chosen: Option<usize> = None;
        let mut early: Option<&RawValue> = None;
        let mut given = false;
        while let Some(key) = object.next_key_seed(Keys {
            names: NAMES.into_iter(),
            next: usize::from(chosen.is_some()),
            strict: slot.out.rules.strict,
        })? {
            match (key, chosen) {
                (Key::Known(0), _) => {
                    let read = object.next_value_seed(Tag(&mut slot));
                    chosen = Some(slot.out.within(read, || Step::Key("tag".into()))?);
                }
                (Key::Known(_), Some(case)) => {
                    given = true;
                    match slot.choose(case) {
                        Some(inner) => {
                            let value = object.next_value_seed(inner);
                            slot.out.within(value, || Step::Key("val".into()))?;
                        }
                        None => {
                            object.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                (Key::Known(_), None) => early = Some(object.next_value()?),
                (Key::Unknown, _) => {
                    object.next_value::<IgnoredAny>()?;
                }
                (Key::Refused(key), _) => {
                    let reason = "is not in the contract, which has \"tag\", \"val\"";
                    let refused = Err(slot.out.refuse(reason.into()));
                    return slot.out.within(refused, || Step::Key(key));
                }
            }
        }
        let Some(case) = chosen else {
            return Err(slot.mismatch("an object without `tag`"));
        };
        let Some(inner) = slot.choose(case) else {
            return Ok(());
        };
        let value = match early {
            Some(raw) => inner
                .deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
                .map_err(A::Error::custom),
            None if given => Ok(()),
            None if matches!(inner.ty.shape, Shape::Option(_)) => Ok(()),
            None => {
                let reason = format!("is missing; expected {}", inner.ty.expected());
                Err(inner.out.refuse(reason))
            }
        };
        slot.out.within(value, || Step::Key("val".into()))
    }
}

impl Slot<'_> {
    /// The place of the value of a case, if it has one.
    fn choose(&mut self, case: usize) -> Option<Slot<'_>> {
        let of = match &self.ty.shape {
            Shape::Variant { cases, payload } => {
                self.out.put_case(self.at, case, cases.len());
                cases[case].ty.as_ref().map(|ty| (ty, *payload))
            }
            Shape::Option(item) => {
                self.out.put(self.at, &[case as u8]);
                (case == 1).then_some((&item.ty, item.offset))
            }
            _ => None,
        };
        let (ty, offset) = of?;
        Some(self.inner(ty, offset))
    }
}

/// The value of `tag`: the number of the case.
struct Tag<'a, 'b>(&'a mut Slot<'b>);

impl<'de> DeserializeSeed<'de> for Tag<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<usize, D::Error> {
        let raw: &RawValue = serde::Deserialize::deserialize(json)?;
        let tag = serde_json::from_str::<String>(raw.get()).ok();
        let (case, expected) = match &self.0.ty.shape {
            Shape::Variant { cases, .. } => {
                let known = |tag: &String| cases.iter().position(|case| case.key == *tag);
                (tag.as_ref().and_then(known), one_of(cases))
            }
            _ => {
                let known = |tag: &String| ["none", "some"].iter().position(|name| name == tag);
                (
                    tag.as_ref().and_then(known),
                    "one of \"none\", \"some\"".into(),
                )
            }
        };
        case.ok_or_else(|| {
            let found = match self.0.hidden {
                true => "something else".to_owned(),
                false => quoted_json(raw.get()),
            };
            self.0
                .out
                .refuse(format!("expected {expected}, found {found}"))
        })
    }
}

/// JSON text, or the start of it.
fn quoted_json(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
