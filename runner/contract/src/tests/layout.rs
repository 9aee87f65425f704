//! Size, alignment, places and flat values of types, against `wit-parser`'s.

use proptest::prelude::*;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Resolve, SizeAlign, Type as WitType, TypeDefKind};

use super::random::types;
use crate::types::{Case, Shape, Type};

/// A type as WIT has it; what needs a name is declared first.
fn wit(ty: &Type, declared: &mut Vec<String>) -> String {
    let declaration = match &ty.shape {
        Shape::Bool => return "bool".into(),
        Shape::Integer(integer) => return integer.name().into(),
        Shape::F32 => return "f32".into(),
        Shape::F64 => return "f64".into(),
        Shape::Char => return "char".into(),
        Shape::String | Shape::Json => return "string".into(),
        Shape::Bytes => return "list<u8>".into(),
        Shape::List(ty) => return format!("list<{}>", wit(ty, declared)),
        Shape::Option(item) => return format!("option<{}>", wit(&item.ty, declared)),
        Shape::Tuple(items) => {
            let items: Vec<_> = items.iter().map(|item| wit(&item.ty, declared)).collect();
            return format!("tuple<{}>", items.join(", "));
        }
        Shape::Record(fields) => {
            let field = |(n, ty): (usize, &Type)| format!("f{n}: {}, ", wit(ty, declared));
            let types = fields.iter().map(|field| &*field.ty);
            let fields: String = types.enumerate().map(field).collect();
            format!("record %t {{ {fields} }}")
        }
        Shape::Variant { cases, .. } => {
            let case = |(n, case): (usize, &Case)| match &case.ty {
                Some(ty) => format!("c{n}({}), ", wit(ty, declared)),
                None => format!("c{n}, "),
            };
            let cases: String = cases.iter().enumerate().map(case).collect();
            format!("variant %t {{ {cases} }}")
        }
        Shape::Enum(cases) => format!("enum %t {{ {} }}", names(cases)),
        Shape::Flags(flags) => format!("flags %t {{ {} }}", names(flags)),
    };
    let name = format!("t{}", declared.len());
    declared.push(declaration.replacen("%t", &name, 1));
    name
}

fn names(cases: &[Case]) -> String {
    (0..cases.len()).map(|n| format!("c{n}, ")).collect()
}

/// Where the parts of a type are.
fn places(ty: &Type) -> Vec<u32> {
    match &ty.shape {
        Shape::Tuple(items) => items.iter().map(|item| item.offset).collect(),
        Shape::Record(fields) => fields.iter().map(|field| field.offset).collect(),
        Shape::Option(item) => vec![item.offset],
        Shape::Variant { payload, .. } => vec![*payload],
        _ => Vec::new(),
    }
}

fn places_of(kind: &TypeDefKind, resolve: &Resolve, layout: &SizeAlign) -> Vec<u32> {
    let offsets = |types: Vec<&WitType>| {
        let offsets = layout.field_offsets(types).into_iter();
        offsets.map(|(at, _)| at.size_wasm32() as u32).collect()
    };
    let payload = |tag, types: Vec<Option<&WitType>>| {
        vec![layout.payload_offset(tag, types).size_wasm32() as u32]
    };
    match kind {
        TypeDefKind::Type(WitType::Id(id)) => places_of(&resolve.types[*id].kind, resolve, layout),
        TypeDefKind::Record(of) => offsets(of.fields.iter().map(|field| &field.ty).collect()),
        TypeDefKind::Tuple(of) => offsets(of.types.iter().collect()),
        TypeDefKind::Option(ty) => payload(wit_parser::Int::U8, vec![Some(ty)]),
        TypeDefKind::Variant(of) => {
            let types = of.cases.iter().map(|case| case.ty.as_ref());
            payload(of.tag(), types.collect())
        }
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn types_are_laid_out_as_wit_parser_lays_them_out(ty in types()) {
        let mut declared = Vec::new();
        let name = wit(&ty, &mut declared);
        let declared = declared.join("\n");
        let text = format!("package a:b;\ninterface c {{\n{declared}\ntype top = {name};\n}}");
        let mut resolve = Resolve::default();
        resolve.push_source("c.wit", &text).expect("it is WIT");
        let mut layout = SizeAlign::default();
        layout.fill(&resolve);
        let (_, interface) = resolve.interfaces.iter().next().expect("there is one");
        let top = interface.types["top"];
        let id = WitType::Id(top);
        prop_assert_eq!(ty.size as usize, layout.size(&id).size_wasm32(), "{}", &text);
        prop_assert_eq!(ty.align as usize, layout.align(&id).align_wasm32(), "{}", &text);
        let kind = &resolve.types[top].kind;
        prop_assert_eq!(places(&ty), places_of(kind, &resolve, &layout), "{}", &text);
        let mut flat = vec![WasmType::I32; ty.values + 1];
        let mut flat = FlatTypes::new(&mut flat);
        prop_assert!(resolve.push_flat(&id, &mut flat));
        prop_assert_eq!(ty.values, flat.to_vec().len(), "{}", &text);
    }
}
