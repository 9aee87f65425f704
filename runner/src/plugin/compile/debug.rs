//! Debug information of a component: kept with its code, so that frames have files and
//! lines, as long as it is no larger than what the serving process should read when a
//! job fails.

use wasmparser::{Parser, Payload};

/// Bytes of debug information of one component. A plugin of Rust with all of its
/// libraries has a few MiB.
const MOST: usize = 16 << 20;

/// Call the sections of debug information by another name if there is too much of it,
/// so that nobody reads them.
pub(super) fn bound(component: &mut [u8]) {
    bound_to(component, MOST);
}

fn bound_to(component: &mut [u8], most: usize) {
    let mut size = 0;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        if let Payload::CustomSection(section) = payload
            && section.name().starts_with(".debug_")
        {
            size += section.data().len();
            names.push(section.data_offset() - section.name().len());
        }
    }
    if size > most {
        for name in names {
            component[name] = b'-';
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use wasm_encoder::{Component, CustomSection, Module, ModuleSection};
    use wasmparser::{Parser, Payload};

    use super::bound_to;

    #[test]
    fn debug_information_above_the_bound_is_not_found_by_its_name() {
        let mut module = Module::new();
        for (name, size) in [(".debug_line", 10), ("producers", 100), (".debug_info", 20)] {
            module.section(&CustomSection {
                name: name.into(),
                data: Cow::from(vec![0; size]),
            });
        }
        let mut component = Component::new();
        component.section(&ModuleSection(&module));
        let mut bytes = component.finish();
        let names = |bytes: &[u8]| -> Vec<String> {
            let payloads = Parser::new(0).parse_all(bytes);
            let name = |payload| match payload {
                Ok(Payload::CustomSection(section)) => Some(section.name().to_owned()),
                _ => None,
            };
            payloads.filter_map(name).collect()
        };
        bound_to(&mut bytes, 30);
        assert_eq!(names(&bytes), [".debug_line", "producers", ".debug_info"]);
        bound_to(&mut bytes, 29);
        assert_eq!(names(&bytes), ["-debug_line", "producers", "-debug_info"]);
    }
}
