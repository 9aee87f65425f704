//! The few values that are passed as such, not in memory.

use crate::types::{Shape, Type, discriminant};

/// The values of the core machine that a value in memory becomes.
pub(super) fn flatten(ty: &Type, bytes: &[u8], values: &mut Vec<u64>) {
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
    values.resize(start + ty.values, 0);
}
