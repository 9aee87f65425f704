//! What differs between two versions of a contract, and for whom it matters.

use std::fmt;

use super::interface::{Function, Interface};
use super::types::{Case, Field, Integer, Shape, Type};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The function and the place in its payload or result:
    /// `whatsapp-otp: data.recipient`.
    pub place: String,
    /// What was and what is: `was string, is u32`.
    pub what: String,
    /// Whether a payload that fitted the old version may not fit the new one, or
    /// a result of the new one not the old.
    pub breaking: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.what)
    }
}

/// What the new version of an interface changes. Names in JSON are not compared: a
/// component has none of its own.
pub fn compare(old: &Interface, new: &Interface) -> Vec<Difference> {
    let mut found = Vec::new();
    let whole = |place: &str, what: &str, breaking| Difference {
        place: place.to_owned(),
        what: what.to_owned(),
        breaking,
    };
    let named = |of: &Interface, name: &str| of.functions.iter().any(|f| f.name == name);
    for function in &old.functions {
        if !named(new, &function.name) {
            found.push(whole(&function.name, "was removed", true));
        }
    }
    for function in &new.functions {
        match old.functions.iter().find(|f| f.name == function.name) {
            None => found.push(whole(&function.name, "was added", false)),
            Some(before) => functions(before, function, &mut found),
        }
    }
    found
}

fn functions(old: &Function, new: &Function, found: &mut Vec<Difference>) {
    let name = &new.name;
    let mut walk = Walk {
        found,
        payload: true,
    };
    walk.both(
        &format!("{name}: data"),
        old.data.as_deref(),
        new.data.as_deref(),
    );
    walk.payload = false;
    let result = format!("{name}: result");
    walk.both(&result, old.returns.as_deref(), new.returns.as_deref());
}

/// What becomes of the values of a type.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    /// Those of both versions fit the other.
    Same,
    /// There are more.
    Wider,
    /// There are fewer.
    Narrower,
    /// Some are gone and some are new.
    Other,
}

struct Walk<'a> {
    found: &'a mut Vec<Difference>,
    /// Payloads are read by the new version, results by readers of the old.
    payload: bool,
}

impl Walk<'_> {
    fn note(&mut self, place: &str, what: String, change: Change) {
        let breaking = match change {
            Change::Same => false,
            Change::Wider => !self.payload,
            Change::Narrower => self.payload,
            Change::Other => true,
        };
        self.found.push(Difference {
            place: place.to_owned(),
            what,
            breaking,
        });
    }

    fn both(&mut self, place: &str, old: Option<&Type>, new: Option<&Type>) {
        match (old, new) {
            (Some(old), Some(new)) => self.types(place, old, new),
            (None, None) => {}
            (Some(_), None) => self.note(place, "was removed".into(), Change::Wider),
            (None, Some(new)) => self.note(
                place,
                format!("was added ({})", new.word()),
                Change::Narrower,
            ),
        }
    }

    fn types(&mut self, place: &str, old: &Type, new: &Type) {
        match (&old.shape, &new.shape) {
            (Shape::Record(before), Shape::Record(after)) => self.fields(place, before, after),
            (Shape::Tuple(before), Shape::Tuple(after)) if before.len() == after.len() => {
                for (at, (old, new)) in before.iter().zip(after).enumerate() {
                    self.types(&format!("{place}[{at}]"), &old.ty, &new.ty);
                }
            }
            (Shape::List(old), Shape::List(new)) => self.types(&format!("{place}[]"), old, new),
            (Shape::Option(old), Shape::Option(new)) => self.types(place, &old.ty, &new.ty),
            (Shape::Enum(before), Shape::Enum(after))
            | (Shape::Flags(before), Shape::Flags(after)) => self.cases(place, before, after),
            (Shape::Variant { cases: before, .. }, Shape::Variant { cases: after, .. }) => {
                self.cases(place, before, after);
            }
            (was, is) => {
                if let Some(change) = retyped(was, is) {
                    let what = format!("was {}, is {}", old.word(), new.word());
                    self.note(place, what, change);
                }
            }
        }
    }

    fn fields(&mut self, place: &str, before: &[Field], after: &[Field]) {
        // An optional field may be absent in both directions, and one that is not
        // known is passed over.
        for field in before {
            if !after.iter().any(|of| of.name == field.name) {
                let change = match field.is_optional() {
                    true => Change::Same,
                    false => Change::Wider,
                };
                let place = format!("{place}.{}", field.key);
                self.note(&place, "was removed".into(), change);
            }
        }
        for field in after {
            let place = format!("{place}.{}", field.key);
            match before.iter().find(|of| of.name == field.name) {
                Some(of) => self.types(&place, &of.ty, &field.ty),
                None => {
                    let change = match field.is_optional() {
                        true => Change::Same,
                        false => Change::Narrower,
                    };
                    let what = format!("was added ({})", field.ty.word());
                    self.note(&place, what, change);
                }
            }
        }
        let names = |fields: &[Field]| fields.iter().map(|of| of.name.clone()).collect();
        if reordered(names(before), names(after)) {
            let what = "has its fields in another order".into();
            self.note(place, what, Change::Same);
        }
    }

    fn cases(&mut self, place: &str, before: &[Case], after: &[Case]) {
        for case in before {
            if !after.iter().any(|of| of.name == case.name) {
                self.note(
                    place,
                    format!("has no {:?} any more", case.key),
                    Change::Narrower,
                );
            }
        }
        for case in after {
            let Some(was) = before.iter().find(|of| of.name == case.name) else {
                self.note(place, format!("has {:?} now", case.key), Change::Wider);
                continue;
            };
            let within = format!("{place}({})", case.key);
            self.both(&within, was.ty.as_deref(), case.ty.as_deref());
        }
        let names = |cases: &[Case]| cases.iter().map(|of| of.name.clone()).collect();
        if reordered(names(before), names(after)) {
            let what = "has its cases in another order".into();
            self.note(place, what, Change::Same);
        }
    }
}

/// Whether these are the same names in another order, which matters in memory.
fn reordered(was: Vec<String>, is: Vec<String>) -> bool {
    was != is && was.len() == is.len() && was.iter().all(|name| is.contains(name))
}

/// What a change from one kind of type to another means; none when they are the
/// same.
fn retyped(was: &Shape, is: &Shape) -> Option<Change> {
    let kind = std::mem::discriminant;
    Some(match (was, is) {
        (Shape::Integer(was), Shape::Integer(is)) => {
            if was == is {
                return None;
            }
            let within = |a: Integer, b: Integer| {
                b.range().start() <= a.range().start() && a.range().end() <= b.range().end()
            };
            match (within(*was, *is), within(*is, *was)) {
                (true, _) => Change::Wider,
                (_, true) => Change::Narrower,
                _ => Change::Other,
            }
        }
        (Shape::Tuple(_), Shape::Tuple(_)) => Change::Other,
        (was, is) if kind(was) == kind(is) => return None,
        (_, Shape::Json) | (Shape::F32, Shape::F64) | (Shape::Char, Shape::String) => Change::Wider,
        (Shape::Json, _) | (Shape::F64, Shape::F32) | (Shape::String, Shape::Char) => {
            Change::Narrower
        }
        (was, Shape::Option(is)) if retyped(was, &is.ty.shape).is_none() => Change::Wider,
        (Shape::Option(was), is) if retyped(&was.ty.shape, is).is_none() => Change::Narrower,
        _ => Change::Other,
    })
}

impl Type {
    /// As WIT writes it: its name, or what it is made of.
    pub fn word(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        match &self.shape {
            Shape::Bool => "bool".into(),
            Shape::Integer(integer) => integer.name().into(),
            Shape::F32 => "f32".into(),
            Shape::F64 => "f64".into(),
            Shape::Char => "char".into(),
            Shape::String => "string".into(),
            Shape::Json => "json".into(),
            Shape::Bytes => "list<u8>".into(),
            Shape::List(ty) => format!("list<{}>", ty.word()),
            Shape::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|item| item.ty.word()).collect();
                format!("tuple<{}>", items.join(", "))
            }
            Shape::Option(item) => format!("option<{}>", item.ty.word()),
            Shape::Record(_) => "record".into(),
            Shape::Enum(_) => "enum".into(),
            Shape::Variant { .. } => "variant".into(),
            Shape::Flags(_) => "flags".into(),
        }
    }
}
