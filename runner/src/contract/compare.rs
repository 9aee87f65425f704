//! What differs between two versions of a contract, and for whom it matters.

use std::fmt;

use super::interface::{Function, Interface};
use super::types::{Case, Shape, Type};

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

/// What the new version of an interface changes.
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

struct Walk<'a> {
    found: &'a mut Vec<Difference>,
    /// Payloads are read by the new version, results by readers of the old.
    payload: bool,
}

impl Walk<'_> {
    /// `wider`: the new version takes, or gives, more.
    fn note(&mut self, place: &str, what: String, wider: bool) {
        self.found.push(Difference {
            place: place.to_owned(),
            what,
            breaking: wider != self.payload,
        });
    }

    fn both(&mut self, place: &str, old: Option<&Type>, new: Option<&Type>) {
        match (old, new) {
            (Some(old), Some(new)) => self.types(place, old, new),
            (None, None) => {}
            (Some(_), None) => self.note(place, "was removed".into(), true),
            (None, Some(new)) => self.note(place, format!("was added ({})", new.word()), false),
        }
    }

    fn types(&mut self, place: &str, old: &Type, new: &Type) {
        match (&old.shape, &new.shape) {
            (Shape::Record(before), Shape::Record(after)) => {
                for field in before {
                    if !after.iter().any(|of| of.name == field.name) {
                        self.note(
                            &format!("{place}.{}", field.key),
                            "was removed".into(),
                            true,
                        );
                    }
                }
                for field in after {
                    let place = format!("{place}.{}", field.key);
                    match before.iter().find(|of| of.name == field.name) {
                        Some(of) => self.types(&place, &of.ty, &field.ty),
                        None => {
                            let what = format!("was added ({})", field.ty.word());
                            self.note(&place, what, field.is_optional());
                        }
                    }
                }
                let order = |fields: &[super::Field]| -> Vec<String> {
                    fields.iter().map(|field| field.name.clone()).collect()
                };
                let (was, is) = (order(before), order(after));
                if was != is && was.len() == is.len() && was.iter().all(|name| is.contains(name)) {
                    self.note(
                        place,
                        "has its fields in another order".into(),
                        self.payload,
                    );
                }
            }
            (Shape::Tuple(before), Shape::Tuple(after)) if before.len() == after.len() => {
                for (at, (old, new)) in before.iter().zip(after).enumerate() {
                    self.types(&format!("{place}[{at}]"), &old.ty, &new.ty);
                }
            }
            (Shape::List(old), Shape::List(new)) => self.types(&format!("{place}[]"), old, new),
            (Shape::Option(old), Shape::Option(new)) => self.types(place, &old.ty, &new.ty),
            (_, Shape::Option(_)) => {
                self.note(
                    place,
                    format!("was {}, is {}", old.word(), new.word()),
                    true,
                );
            }
            (Shape::Enum(before), Shape::Enum(after))
            | (Shape::Flags(before), Shape::Flags(after)) => self.cases(place, before, after),
            (Shape::Variant { cases: before, .. }, Shape::Variant { cases: after, .. }) => {
                self.cases(place, before, after);
            }
            (Shape::Integer(old_integer), Shape::Integer(integer)) if old_integer != integer => {
                let (was, is) = (old_integer.range(), integer.range());
                let wider = is.start() <= was.start() && was.end() <= is.end();
                let what = format!("was {}, is {}", old.word(), new.word());
                self.note(place, what, wider);
            }
            (was, is)
                if std::mem::discriminant(was) != std::mem::discriminant(is)
                    || matches!((was, is), (Shape::Tuple(_), Shape::Tuple(_))) =>
            {
                let wider = matches!(is, Shape::Json);
                let what = format!("was {}, is {}", old.word(), new.word());
                self.note(place, what, wider);
            }
            _ => {}
        }
    }

    fn cases(&mut self, place: &str, before: &[Case], after: &[Case]) {
        for case in before {
            if !after.iter().any(|of| of.name == case.name) {
                self.note(place, format!("has no {:?} any more", case.key), false);
            }
        }
        for (at, case) in after.iter().enumerate() {
            let Some(was) = before.iter().position(|of| of.name == case.name) else {
                self.note(place, format!("has {:?} now", case.key), true);
                continue;
            };
            let within = format!("{place}({})", case.key);
            self.both(&within, before[was].ty.as_deref(), case.ty.as_deref());
            if was != at && before.len() == after.len() {
                self.note(
                    place,
                    format!("has {:?} at another place", case.key),
                    self.payload,
                );
            }
        }
    }
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
