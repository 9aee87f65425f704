//! Values in JSON text by their path, found without reading the rest of it into memory
//! and without rounding a number.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key, or the position of an element.
    Key(String),
    /// Any key or element.
    Any,
}

/// Whether one of the values at the path is as `fits` wants it. Text that is not JSON
/// has no values.
pub(super) fn any(json: &str, path: &[Step], fits: &mut dyn FnMut(&RawValue) -> bool) -> bool {
    let mut found = false;
    let mut see = |value: &RawValue| found = found || fits(value);
    let walk = Walk {
        path,
        see: &mut see,
    };
    let mut reader = serde_json::Deserializer::from_str(json);
    walk.deserialize(&mut reader).is_ok() && reader.end().is_ok() && found
}

/// The text of a JSON string; none for another value.
pub(super) fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    match inside.contains('\\') {
        false => Some(Cow::Borrowed(inside)),
        true => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

struct Walk<'w, 's> {
    path: &'w [Step],
    see: &'w mut (dyn FnMut(&RawValue) + 's),
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            let value = <&RawValue as serde::Deserialize>::deserialize(reader)?;
            (self.see)(value);
            return Ok(());
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (step, path) = self.path.split_first().expect("the path goes on");
        while let Some(is) = map.next_key_seed(Is(step))? {
            if is {
                let see = &mut *self.see;
                map.next_value_seed(Walk { path, see })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (step, path) = self.path.split_first().expect("the path goes on");
        let at = match step {
            Step::Key(key) => key.parse::<usize>().ok(),
            Step::Any => None,
        };
        for position in 0.. {
            let more = if *step == Step::Any || at == Some(position) {
                let see = &mut *self.see;
                list.next_element_seed(Walk { path, see })?.is_some()
            } else {
                list.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Whether a key is the one of this step.
struct Is<'s>(&'s Step);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(match self.0 {
            Step::Any => true,
            Step::Key(wanted) => wanted == key,
        })
    }
}
