//! The types of a contract as the codec walks them: resolved through all
//! aliases, laid out as the canonical ABI of the component model lays them out
//! in a 32-bit memory, and with the names that stand in JSON. A test holds the layout
//! against that of `wit-parser`.
//!
//! <https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md>

use std::sync::Arc;

use super::notes::Notes;

/// One type.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// What it is.
    pub shape: Shape,
    /// Bytes in memory.
    pub size: u32,
    /// A power of two up to 8.
    pub align: u32,
    /// How many values of the core machine it takes as a parameter of a function with
    /// few of them; the cases of a variant share theirs.
    pub values: usize,
    /// Its name in WIT (`otp-request`), unless it is written in place.
    pub name: Option<String>,
    /// What its doc comment says.
    pub notes: Notes,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// `u8` to `s64`: an exact number.
    Integer(Integer),
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// A string of one character.
    Char,
    /// A string.
    String,
    /// `runner:plugin/job`'s `json`: any value, passed as its text.
    Json,
    /// `list<u8>`: base64, or an array of numbers.
    Bytes,
    /// An array.
    List(Arc<Type>),
    /// An array with one value for each of these.
    Tuple(Vec<Item>),
    /// An object.
    Record(Vec<Field>),
    /// Absent or null, or the value. An option in an option is
    /// `{"tag": "none"}` or `{"tag": "some", "val": …}`.
    Option(Item),
    /// A string.
    Enum(Vec<Case>),
    /// `{"tag": …, "val": …}`; `result` has the tags `ok` and `error`.
    Variant {
        /// In the order of WIT, which is their number.
        cases: Vec<Case>,
        /// Where the value of a case begins, in bytes from the start of the variant.
        payload: u32,
    },
    /// An object of booleans; a flag that is left out is false.
    Flags(Vec<Case>),
}

/// An integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integer {
    /// 0 to 255.
    U8,
    /// 0 to 65 535.
    U16,
    /// 0 to 2³² − 1.
    U32,
    /// 0 to 2⁶⁴ − 1.
    U64,
    /// −128 to 127.
    S8,
    /// −32 768 to 32 767.
    S16,
    /// −2³¹ to 2³¹ − 1.
    S32,
    /// −2⁶³ to 2⁶³ − 1.
    S64,
}

/// A type at a place within another.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The type.
    pub ty: Arc<Type>,
    /// Bytes from the start of the type around it.
    pub offset: u32,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key in JSON.
    pub key: String,
    /// The name in WIT.
    pub name: String,
    /// Its type.
    pub ty: Arc<Type>,
    /// Bytes from the start of the record.
    pub offset: u32,
    /// What its doc comment says.
    pub notes: Notes,
}

/// A case of an enum or variant, or a flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The text in JSON.
    pub key: String,
    /// The name in WIT.
    pub name: String,
    /// The value that comes with it.
    pub ty: Option<Arc<Type>>,
    /// What its doc comment says.
    pub notes: Notes,
}

impl Field {
    /// Whether its value is not to be shown.
    pub fn is_sensitive(&self) -> bool {
        self.notes.sensitive || self.ty.notes.sensitive
    }

    /// Whether JSON may leave it out.
    pub fn is_optional(&self) -> bool {
        matches!(self.ty.shape, Shape::Option(_))
    }
}

impl Integer {
    /// Bytes.
    pub fn size(self) -> u32 {
        match self {
            Integer::U8 | Integer::S8 => 1,
            Integer::U16 | Integer::S16 => 2,
            Integer::U32 | Integer::S32 => 4,
            Integer::U64 | Integer::S64 => 8,
        }
    }

    /// The smallest and the largest value.
    pub fn range(self) -> std::ops::RangeInclusive<i128> {
        match self {
            Integer::U8 => 0..=u8::MAX.into(),
            Integer::U16 => 0..=u16::MAX.into(),
            Integer::U32 => 0..=u32::MAX.into(),
            Integer::U64 => 0..=u64::MAX.into(),
            Integer::S8 => i8::MIN.into()..=i8::MAX.into(),
            Integer::S16 => i16::MIN.into()..=i16::MAX.into(),
            Integer::S32 => i32::MIN.into()..=i32::MAX.into(),
            Integer::S64 => i64::MIN.into()..=i64::MAX.into(),
        }
    }

    /// Its name in WIT.
    pub fn name(self) -> &'static str {
        match self {
            Integer::U8 => "u8",
            Integer::U16 => "u16",
            Integer::U32 => "u32",
            Integer::U64 => "u64",
            Integer::S8 => "s8",
            Integer::S16 => "s16",
            Integer::S32 => "s32",
            Integer::S64 => "s64",
        }
    }
}

impl Type {
    /// A type of this shape, laid out.
    pub(super) fn new(shape: Shape) -> Type {
        let (size, align) = match &shape {
            Shape::Bool => (1, 1),
            Shape::Integer(integer) => (integer.size(), integer.size()),
            Shape::F32 | Shape::Char => (4, 4),
            Shape::F64 => (8, 8),
            Shape::String | Shape::Json | Shape::Bytes | Shape::List(_) => (8, 4),
            Shape::Tuple(items) => end(items.iter().map(|item| (&item.ty, item.offset))),
            Shape::Record(fields) => end(fields.iter().map(|field| (&field.ty, field.offset))),
            Shape::Option(item) => {
                let align = item.ty.align;
                (round_up(item.offset + item.ty.size, align), align)
            }
            Shape::Enum(cases) => {
                let size = discriminant(cases.len());
                (size, size)
            }
            Shape::Variant { cases, payload } => {
                let types = || cases.iter().filter_map(|case| case.ty.as_ref());
                let align = types().map(|ty| ty.align).max().unwrap_or(1);
                let align = align.max(discriminant(cases.len()));
                let size = types().map(|ty| ty.size).max().unwrap_or(0);
                (round_up(payload + size, align), align)
            }
            Shape::Flags(flags) => {
                let size = match flags.len() {
                    0..=8 => 1,
                    9..=16 => 2,
                    _ => 4,
                };
                (size, size)
            }
        };
        let values = match &shape {
            Shape::String | Shape::Json | Shape::Bytes | Shape::List(_) => 2,
            Shape::Tuple(items) => items.iter().map(|item| item.ty.values).sum(),
            Shape::Record(fields) => fields.iter().map(|field| field.ty.values).sum(),
            Shape::Option(item) => 1 + item.ty.values,
            Shape::Variant { cases, .. } => {
                let types = cases.iter().filter_map(|case| case.ty.as_ref());
                1 + types.map(|ty| ty.values).max().unwrap_or(0)
            }
            _ => 1,
        };
        Type {
            shape,
            size,
            align,
            values,
            name: None,
            notes: Notes::default(),
        }
    }

    /// The value after one byte that says whether there is one.
    pub(super) fn option(ty: Arc<Type>) -> Shape {
        let offset = ty.align;
        Shape::Option(Item { ty, offset })
    }

    /// Values one after the other.
    pub(super) fn tuple(types: impl IntoIterator<Item = Arc<Type>>) -> Shape {
        let mut next = 0;
        let items = types.into_iter().map(|ty| {
            let offset = place(&mut next, &ty);
            Item { ty, offset }
        });
        Shape::Tuple(items.collect())
    }

    /// Fields one after the other; their offsets are set.
    pub(super) fn record(mut fields: Vec<Field>) -> Shape {
        let mut next = 0;
        for field in &mut fields {
            field.offset = place(&mut next, &field.ty);
        }
        Shape::Record(fields)
    }

    /// Cases in one place.
    pub(super) fn variant(cases: Vec<Case>) -> Shape {
        let types = cases.iter().filter_map(|case| case.ty.as_ref());
        let align = types.map(|ty| ty.align).max().unwrap_or(1);
        let payload = round_up(discriminant(cases.len()), align);
        Shape::Variant { cases, payload }
    }

    /// What a message calls it: `a string`, `an integer (u32)`.
    pub(super) fn expected(&self) -> String {
        match &self.shape {
            Shape::Bool => "true or false".into(),
            Shape::Integer(integer) => format!("an integer ({})", integer.name()),
            Shape::F32 | Shape::F64 => "a number".into(),
            Shape::Char => "a string of one character".into(),
            Shape::String => "a string".into(),
            Shape::Json => "a value".into(),
            Shape::Bytes => "base64".into(),
            Shape::List(_) => "an array".into(),
            Shape::Tuple(items) => format!("an array of {}", items.len()),
            Shape::Record(_) => "an object".into(),
            Shape::Option(item) if matches!(item.ty.shape, Shape::Option(_)) => {
                "null, or an object with `tag` and `val`".into()
            }
            Shape::Option(item) => format!("{} or null", item.ty.expected()),
            Shape::Enum(cases) => one_of(cases),
            Shape::Variant { cases, .. } => format!("an object with `tag`: {}", one_of(cases)),
            Shape::Flags(_) => "an object of booleans".into(),
        }
    }
}

/// `one of "a", "b"`; of many the first.
pub(super) fn one_of(cases: &[Case]) -> String {
    const SHOWN: usize = 12;
    let names: Vec<String> = cases
        .iter()
        .take(SHOWN)
        .map(|case| format!("{:?}", case.key))
        .collect();
    let more = if cases.len() > SHOWN { ", …" } else { "" };
    match names.as_slice() {
        [only] => only.clone(),
        names => format!("one of {}{more}", names.join(", ")),
    }
}

/// Bytes of the number of a case.
pub(super) fn discriminant(cases: usize) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The next place of this type; `next` is moved behind it.
fn place(next: &mut u32, ty: &Type) -> u32 {
    let offset = round_up(*next, ty.align);
    *next = offset + ty.size;
    offset
}

/// Size and alignment of what has these parts.
fn end<'a>(parts: impl Iterator<Item = (&'a Arc<Type>, u32)>) -> (u32, u32) {
    let (mut size, mut align) = (0, 1);
    for (ty, offset) in parts {
        size = offset + ty.size;
        align = align.max(ty.align);
    }
    (round_up(size, align), align)
}

pub(super) fn round_up(at: u32, align: u32) -> u32 {
    at.next_multiple_of(align)
}
