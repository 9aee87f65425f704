//! Which language a component was written in and what made it, by what toolchains
//! write into their `producers` sections and call the parts they put together.

use std::fmt;

use memchr::memmem;
use wasmparser::{BinaryReader, BinaryReaderError, CustomSectionReader, KnownCustom};

use super::shape::{section, sections};
use crate::printable;

/// Characters kept of what a toolchain says of itself.
const LONGEST: usize = 64;

/// Who made a component. Told to people only: a component may say anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Made {
    /// `Python 3.14`, `Rust`; none if it does not tell.
    pub language: Option<String>,
    /// `componentize-py`, `rustc 1.95.0`; none if it does not tell.
    pub toolchain: Option<String>,
}

/// Toolchains that put ready-made parts together without a word about themselves,
/// by the name of such a part.
const PARTS: [(&str, &str, &str); 2] = [
    ("componentize_py_runtime", "Python", "componentize-py"),
    ("componentize_qjs_runtime", "JavaScript", "componentize-qjs"),
];
/// Python's own part, which has its version in its name.
const PYTHON: &str = "libpython";

/// Languages and compilers as `producers` sections call them, and as people do. Of
/// several in a module the first counts: the others are in libraries.
const COMPILED: [(&str, &str, &str, &str); 7] = [
    ("Go", "Go", "Go cmd/compile", "go"),
    ("Go", "Go", "TinyGo", "TinyGo"),
    ("Rust", "Rust", "rustc", "rustc"),
    ("Zig", "Zig", "zig", "zig"),
    ("C_plus_plus", "C++", "clang", "clang"),
    ("C", "C", "clang", "clang"),
    // Of a module that was stripped this is left.
    ("C", "C", "wit-bindgen-c", "wit-bindgen-c"),
];

/// They work on components of all languages.
const ANY: [&str; 4] = [
    "wit-component",
    "wit-bindgen",
    "component-init-transform",
    "wac",
];

impl Made {
    /// By whom a component was made.
    pub(in crate::plugin) fn read(component: &[u8]) -> Made {
        let mut parts = Parts::default();
        parts.look(component, true);
        if let Some((language, version)) = parts.own.languages.first() {
            let mut tools = parts.own.tools.iter();
            let tool = tools.find(|(name, _)| !ANY.iter().any(|any| name.starts_with(any)));
            return Made {
                language: Some(named(language, version)),
                toolchain: tool.map(|(name, version)| named(name, version)),
            };
        }
        if let Some((_, language, toolchain)) = parts.ready_made {
            return Made {
                language: Some(named(language, &parts.python)),
                toolchain: Some(toolchain.to_owned()),
            };
        }
        parts.largest.compiled()
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.language, &self.toolchain) {
            (Some(language), Some(toolchain)) => write!(f, "{language} ({toolchain})"),
            (Some(of), None) | (None, Some(of)) => f.write_str(of),
            (None, None) => f.write_str("unknown: the file does not say"),
        }
    }
}

/// What a `producers` section has: names with versions, which may be empty.
#[derive(Default)]
struct Producers {
    languages: Vec<(String, String)>,
    tools: Vec<(String, String)>,
}

impl Producers {
    /// Take a custom section that may be one. What cannot be read is left out.
    fn take(&mut self, section: BinaryReader<'_>) -> Result<(), BinaryReaderError> {
        let section = CustomSectionReader::new(section)?;
        let KnownCustom::Producers(fields) = section.as_known() else {
            return Ok(());
        };
        for field in fields {
            let field = field?;
            let list = match field.name {
                "language" => &mut self.languages,
                "processed-by" => &mut self.tools,
                _ => continue,
            };
            for value in field.values {
                let value = value?;
                list.push((value.name.to_owned(), value.version.to_owned()));
            }
        }
        Ok(())
    }

    /// A module's language and compiler.
    fn compiled(&self) -> Made {
        let found = COMPILED.iter().find_map(|(tag, language, tool, name)| {
            let (_, version) = self.tools.iter().find(|(of, _)| of == tool)?;
            let silent = self.languages.is_empty() && *tool != "clang";
            (silent || self.speaks(tag)).then(|| (*language, named(name, version)))
        });
        let (language, toolchain) = found.unzip();
        Made {
            language: language.map(str::to_owned),
            toolchain,
        }
    }
}

impl Producers {
    /// Whether it is in this language, of any edition: `C11`, `C_plus_plus_14`.
    fn speaks(&self, language: &str) -> bool {
        let mut editions = self.languages.iter();
        editions.any(|(name, _)| {
            let edition = name.strip_prefix(language).unwrap_or("?");
            let edition = edition.trim_start_matches('_');
            edition.bytes().all(|byte| byte.is_ascii_digit())
        })
    }
}

/// A name with its version, without what stands behind it in brackets.
fn named(name: &str, version: &str) -> String {
    let version = version.split(' ').next().unwrap_or_default();
    let version = version.strip_prefix("go").unwrap_or(version);
    let text = format!("{name} {version}");
    let short: String = text.trim_end().chars().take(LONGEST).collect();
    printable::inline(&short).into_owned()
}

/// What is in a component.
#[derive(Default)]
struct Parts {
    /// Of the component itself.
    own: Producers,
    /// Of its largest module, and how large that is.
    largest: Producers,
    size: usize,
    ready_made: Option<(&'static str, &'static str, &'static str)>,
    python: String,
}

impl Parts {
    fn look(&mut self, component: &[u8], outermost: bool) {
        for section in sections(component).map_while(Result::ok) {
            match section.id {
                section::CUSTOM if outermost => {
                    // A section of another kind, or a broken one.
                    let _ = self
                        .own
                        .take(BinaryReader::new(section.content, section.at));
                }
                section::MODULE if section.content.len() > self.size => {
                    self.size = section.content.len();
                    self.largest = module(section.content);
                }
                section::COMPONENT => self.look(section.content, false),
                // They call the parts by their names.
                section::CORE_INSTANCE | section::ALIAS => self.look_for_parts(section.content),
                _ => {}
            }
        }
    }

    fn look_for_parts(&mut self, names: &[u8]) {
        let at = |name: &str| memmem::find(names, name.as_bytes());
        if self.ready_made.is_none() {
            self.ready_made = PARTS.into_iter().find(|(part, ..)| at(part).is_some());
        }
        if let Some(at) = at(PYTHON)
            && self.python.is_empty()
        {
            let digits = names[at + PYTHON.len()..]
                .iter()
                .map(|byte| char::from(*byte));
            let version: String = digits
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            self.python = version.trim_end_matches('.').to_owned();
        }
    }
}

fn module(bytes: &[u8]) -> Producers {
    let mut producers = Producers::default();
    for section in sections(bytes).map_while(Result::ok) {
        if section.id == section::CUSTOM {
            let _ = producers.take(BinaryReader::new(section.content, section.at));
        }
    }
    producers
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        Component, ExportKind, InstanceSection, Module, ModuleSection, ProducersField,
        ProducersSection,
    };

    use super::Made;

    type Names<'a> = &'a [(&'a str, &'a str)];

    fn producers(languages: Names<'_>, tools: Names<'_>) -> ProducersSection {
        let mut section = ProducersSection::new();
        for (field, names) in [("language", languages), ("processed-by", tools)] {
            let mut values = ProducersField::new();
            for (name, version) in names {
                values.value(name, version);
            }
            section.field(field, &values);
        }
        section
    }

    /// A component of a small module, as adapters are, and one with these producers.
    fn compiled(languages: Names<'_>, tools: Names<'_>) -> Component {
        let mut adapter = Module::new();
        adapter.section(&producers(&[("Rust", "")], &[("rustc", "1.97.0")]));
        let mut module = Module::new();
        module.section(&producers(languages, tools));
        module.section(&wasm_encoder::CustomSection {
            name: "code".into(),
            data: vec![0; 1000].into(),
        });
        let mut component = Component::new();
        component.section(&ModuleSection(&adapter));
        component.section(&ModuleSection(&module));
        component
    }

    #[track_caller]
    fn made(component: Component, told: &str) {
        assert_eq!(Made::read(&component.finish()).to_string(), told);
    }

    #[test]
    fn compiled_languages_are_told_by_the_largest_module() {
        let cases: &[(Names<'_>, Names<'_>, &str)] = &[
            (
                &[("C11", ""), ("Rust", "")],
                &[
                    ("clang", "21.1.4-wasi-sdk (https://x)"),
                    ("rustc", "1.95.0 (59807616e 2026-04-14)"),
                ],
                "Rust (rustc 1.95.0)",
            ),
            (
                &[("Go", "go1.27.3")],
                &[("Go cmd/compile", "go1.27.3"), ("wit-component", "0.262.0")],
                "Go (go 1.27.3)",
            ),
            (
                &[("C11", ""), ("C99", "")],
                &[("clang", "22.1.8"), ("wit-bindgen-c", "0.63.0")],
                "C (clang 22.1.8)",
            ),
            (
                &[("C_plus_plus_14", "")],
                &[("clang", "22.1.8")],
                "C++ (clang 22.1.8)",
            ),
            // A module that was stripped.
            (
                &[],
                &[("wit-component", "0.262.0"), ("wit-bindgen-c", "0.63.0")],
                "C (wit-bindgen-c 0.63.0)",
            ),
            (
                &[],
                &[("wit-component", "0.262.0")],
                "unknown: the file does not say",
            ),
        ];
        for (languages, tools, told) in cases {
            made(compiled(languages, tools), told);
        }
    }

    #[test]
    fn what_the_component_says_of_itself_counts_more_and_its_characters_are_printable() {
        let mut component = compiled(&[("C11", "")], &[("clang", "21.1.4")]);
        component.section(&producers(
            &[("JavaScript", "")],
            &[("wit-component", "0.259.0"), ("ComponentizeJS", "0.22.0")],
        ));
        made(component, "JavaScript (ComponentizeJS 0.22.0)");
        let mut component = Component::new();
        component.section(&producers(&[("\u{1b}[31mred", "")], &[]));
        made(component, "\\u001b[31mred");
    }

    #[test]
    fn python_and_quickjs_are_known_by_their_parts() {
        let of = |parts: &[&str]| {
            let mut component = compiled(&[("C11", "")], &[("clang", "21.1.4")]);
            let mut names = InstanceSection::new();
            names.export_items(parts.iter().map(|part| (*part, ExportKind::Func, 0)));
            component.section(&names);
            component
        };
        made(
            of(&[
                "libpython3.14.so",
                "libcomponentize_py_runtime.so:memory_base",
            ]),
            "Python 3.14 (componentize-py)",
        );
        made(
            of(&["componentize_qjs_runtime.wasm:memory_base"]),
            "JavaScript (componentize-qjs)",
        );
    }
}
