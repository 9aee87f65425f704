//! Objects: records and flags, their keys looked up.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::Slot;
use crate::fault::Step;
use crate::types::{Case, Field, Shape, Type, one_of};

impl Slot<'_> {
    pub(super) fn record<'de, A: MapAccess<'de>>(
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

    pub(super) fn flags<'de, A: MapAccess<'de>>(
        self,
        flags: &[Case],
        mut object: A,
    ) -> Result<(), A::Error> {
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
pub(super) struct Keys<N> {
    pub(super) names: N,
    /// Objects mostly have their keys in the order of the type.
    pub(super) next: usize,
    pub(super) strict: bool,
}

pub(super) enum Key {
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
