//! What says by a tag which of its cases it is.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::object::{Key, Keys};
use super::{SHOWN, Slot};
use crate::fault::Step;
use crate::types::{Shape, Type, one_of};

/// `{"tag": …, "val": …}`, in any order: a variant, or an option within an
/// option.
pub(super) struct Tagged<'a>(pub(super) Slot<'a>);

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
                // The value may have been written as that of another case.
                (Key::Known(0), Some(_)) => {
                    let refused = Err(slot.out.refuse("is given twice".into()));
                    return slot.out.within(refused, || Step::Key("tag".into()));
                }
                (Key::Known(0), None) => {
                    let read = object.next_value_seed(Tag(&mut slot));
                    chosen = Some(slot.out.within(read, || Step::Key("tag".into()))?);
                }
                (Key::Known(_), Some(case)) => {
                    given = true;
                    early = None;
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
        slot.finish(chosen, early, given)
    }
}

impl Slot<'_> {
    /// What is left when the object has ended: a value that came before its tag, or
    /// one that is missing.
    fn finish<E: Error>(
        &mut self,
        chosen: Option<usize>,
        early: Option<&RawValue>,
        given: bool,
    ) -> Result<(), E> {
        let Some(case) = chosen else {
            let reason = format!("is missing; expected {}", tags(self.ty));
            let refused = Err(self.out.refuse(reason));
            return self.out.within(refused, || Step::Key("tag".into()));
        };
        let Some(inner) = self.choose(case) else {
            return Ok(());
        };
        let value = match early {
            Some(raw) => inner
                .deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
                .map_err(E::custom),
            None if given => Ok(()),
            None if matches!(inner.ty.shape, Shape::Option(_)) => Ok(()),
            None => {
                let reason = format!("is missing; expected {}", inner.ty.expected());
                Err(inner.out.refuse(reason))
            }
        };
        self.out.within(value, || Step::Key("val".into()))
    }

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

/// The tags of an option within an option, by their number.
const OPTION: [&str; 2] = ["none", "some"];

/// The tags of a type, for a message.
fn tags(ty: &Type) -> String {
    match &ty.shape {
        Shape::Variant { cases, .. } => one_of(cases),
        _ => format!("one of {:?}, {:?}", OPTION[0], OPTION[1]),
    }
}

/// The value of `tag`: the number of the case.
struct Tag<'a, 'b>(&'a mut Slot<'b>);

impl<'de> DeserializeSeed<'de> for Tag<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<usize, D::Error> {
        let raw: &RawValue = serde::Deserialize::deserialize(json)?;
        let tag = serde_json::from_str::<String>(raw.get()).ok();
        let case = tag.and_then(|tag| match &self.0.ty.shape {
            Shape::Variant { cases, .. } => cases.iter().position(|case| case.key == tag),
            _ => OPTION.iter().position(|name| *name == tag),
        });
        case.ok_or_else(|| {
            let found = match self.0.hidden {
                true => "something else".to_owned(),
                false => quoted_json(raw.get()),
            };
            let expected = tags(self.0.ty);
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
