//! The codec against random types and values, and the words of its faults.

mod compare;
mod faults;
mod layout;
mod library;
mod random;

use std::sync::Arc;

use super::interface::Function;
use super::read::{self, Rules};
use super::types::{Field, Integer, Shape, Type};
use super::write::Region;
use super::{Fault, Notes, write};

const RULES: Rules = Rules {
    strict: false,
    memory: 64 << 20,
};

/// A field of the name `key`.
fn field(key: &str, ty: Type) -> Field {
    Field {
        key: key.to_owned(),
        name: key.to_owned(),
        ty: Arc::new(ty),
        offset: 0,
        notes: Notes::default(),
    }
}

fn function(data: Type) -> Function {
    Function {
        key: "job".into(),
        name: "job".into(),
        notes: Notes::default(),
        data: Some(Arc::new(data)),
        returns: None,
        fallible: false,
        fails: false,
    }
}

/// The value of a type that is too wide to be passed as values, read and written
/// again: `{"value": …}`.
fn around(ty: Type, json: &str, rules: Rules) -> Result<String, Fault> {
    let wide = (0..read::MAX_FLAT).map(|n| {
        let byte = Type::new(Shape::Integer(Integer::U8));
        field(&format!("f{n}"), Type::new(Type::option(Arc::new(byte))))
    });
    let fields = wide.chain([field("value", ty)]).collect();
    let function = function(Type::new(Type::record(fields)));
    let image = read::read(&function, json, rules)?;
    let pointer = u32::from_le_bytes(*image.first_chunk().expect("a pointer"));
    let region = Region {
        bytes: &image,
        start: read::BASE,
    };
    let ty = function.data.expect("it was given");
    Ok(write::json(&ty, region, pointer).expect("what was read can be written"))
}
