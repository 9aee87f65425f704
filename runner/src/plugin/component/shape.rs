//! What a component asks for and offers, read from its bytes.

use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentExportSectionReader, ComponentImportSectionReader,
};

/// Magic, version and layer of a component.
const HEADER: usize = 8;

/// Sections of a component, as the specification numbers them.
pub(super) mod section {
    pub(in super::super) const CUSTOM: u8 = 0;
    pub(in super::super) const MODULE: u8 = 1;
    pub(in super::super) const CORE_INSTANCE: u8 = 2;
    pub(super) const CORE_TYPE: u8 = 3;
    pub(in super::super) const COMPONENT: u8 = 4;
    pub(super) const INSTANCE: u8 = 5;
    pub(in super::super) const ALIAS: u8 = 6;
    pub(super) const TYPE: u8 = 7;
    pub(super) const CANON: u8 = 8;
    pub(super) const IMPORT: u8 = 10;
    pub(super) const EXPORT: u8 = 11;
}

/// What a component asks for and offers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shape {
    /// Names of imported interfaces.
    pub imports: Vec<String>,
    /// Names of exported interfaces and functions.
    pub exports: Vec<String>,
}

impl Shape {
    /// Of a valid component.
    ///
    /// # Errors
    /// When it is none.
    pub(in crate::plugin) fn read(component: &[u8]) -> Result<Shape, BinaryReaderError> {
        let mut shape = Shape {
            imports: Vec::new(),
            exports: Vec::new(),
        };
        for section in sections(component) {
            let section = section?;
            let content = BinaryReader::new(section.content, section.at);
            match section.id {
                section::IMPORT => {
                    for import in ComponentImportSectionReader::new(content)? {
                        shape.imports.push(import?.name.name.to_owned());
                    }
                }
                section::EXPORT => {
                    for export in ComponentExportSectionReader::new(content)? {
                        shape.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }
}

/// A component that has the imports of this one and nothing else: there is no code
/// in it, so whether a host offers them can be told at once. `None` where other
/// parts stand before imports, as no toolchain puts them.
pub(super) fn alone(component: &[u8]) -> Option<Vec<u8>> {
    let sections: Vec<Section<'_>> = sections(component).collect::<Result<_, _>>().ok()?;
    let last = sections.iter().rposition(|of| of.id == section::IMPORT)?;
    let mut alone = component.get(..HEADER)?.to_vec();
    for of in &sections[..=last] {
        match of.id {
            section::CORE_TYPE | section::ALIAS | section::TYPE | section::IMPORT => {
                alone.extend_from_slice(of.whole);
            }
            // They take numbers that later imports count on.
            section::COMPONENT | section::INSTANCE | section::CANON | section::EXPORT => {
                return None;
            }
            _ => {}
        }
    }
    Some(alone)
}

/// A section of a component or module.
pub(super) struct Section<'a> {
    pub(super) id: u8,
    /// With id and length.
    whole: &'a [u8],
    pub(super) content: &'a [u8],
    /// Where the content begins.
    pub(super) at: usize,
}

/// The outermost sections.
pub(super) fn sections(
    component: &[u8],
) -> impl Iterator<Item = Result<Section<'_>, BinaryReaderError>> {
    let mut reader = BinaryReader::new(component, 0);
    let mut failed = reader.read_bytes(HEADER).is_err();
    std::iter::from_fn(move || {
        if failed || reader.eof() {
            return None;
        }
        let mut next = || {
            let start = reader.original_position();
            let id = reader.read_u8()?;
            let length = reader.read_var_u32()?;
            let at = reader.original_position();
            let content = reader.read_bytes(length as usize)?;
            Ok(Section {
                id,
                whole: &component[start..at + content.len()],
                content,
                at,
            })
        };
        let section = next();
        failed = section.is_err();
        Some(section)
    })
}
