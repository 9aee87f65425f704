//! A contract as dataclasses, for handlers and producers in Python 3.10 or later.
//! Called by `runner contract python` and by whoever builds a plugin in Python.
//! The module it makes imports nothing but the standard library.

mod json;

use std::collections::BTreeSet;
use std::fmt::Write;

use self::json::{reads, writes};
use super::interface::Interface;
use super::notes::Notes;
use super::types::{Case, Field, Shape, Type};
use super::typescript::pascal;

/// A module with the types of a contract: a class for each record, enum, case of a
/// variant and set of flags, and `JOBS` with the types by the name of the job.
/// Without a queue it is the module that `runner build` puts beside a plugin.
pub fn python(queue: Option<&str>, interface: &Interface) -> String {
    let (module, all) = declared(interface);
    let mut jobs = String::new();
    for (function, job) in interface.functions.iter().zip(all) {
        let (data, result) = (job.data, job.result);
        comment(&function.notes, "    ", &mut jobs);
        let _ = writeln!(jobs, "    {}: ({data}, {result}),", quote(&function.key));
    }
    let about = match interface.notes.text.as_str() {
        "" => String::new(),
        text => format!("{}\n\n", safe(text)),
    };
    let (of, by) = match queue {
        Some(queue) => (
            format!("queue {queue}, from the contract"),
            format!("contract python {queue}"),
        ),
        None => ("contract".to_owned(), "build".to_owned()),
    };
    format!(
        "\"\"\"Types of the {of} {}.\n\n\
         {about}Made by `runner {by}`.\n\"\"\"\n\n\
         from __future__ import annotations\n\n\
         {imports}{}\n\n\
         JOBS: dict[str, tuple[_t.Any, _t.Any]] = {{\n{jobs}}}\n\
         \"\"\"The types of payload and result, by the name of the job.\"\"\"\n",
        interface.id,
        module.text,
        imports = module.imports(),
    )
}

/// A kind of job, for templates.
#[derive(Debug)]
pub struct PythonJob {
    /// The name of the jobs.
    pub key: String,
    /// A name for the function that takes them.
    pub function: String,
    /// The annotation of the payload; `_t` is `typing`, other names are classes.
    pub data: String,
    /// That of the result.
    pub result: String,
    /// What its doc comment says.
    pub about: String,
}

/// The kinds of job of a contract, with the types that [`python`] declares.
pub fn python_jobs(interface: &Interface) -> Vec<PythonJob> {
    declared(interface).1
}

fn declared(interface: &Interface) -> (Module, Vec<PythonJob>) {
    let mut module = Module::default();
    let mut jobs = Vec::new();
    for function in &interface.functions {
        let place = |what| format!("{}-{what}", function.name);
        let data = function.data.as_deref();
        let data = data.map_or("_t.Any".into(), |ty| module.declare(ty, &place("data")));
        let result = function.value();
        let result = result.map_or("None".into(), |ty| module.declare(ty, &place("result")));
        jobs.push(PythonJob {
            key: function.key.clone(),
            function: attribute(&function.name),
            data,
            result,
            about: function.notes.text.clone(),
        });
    }
    (module, jobs)
}

/// What has been declared so far.
#[derive(Default)]
struct Module {
    text: String,
    declared: BTreeSet<String>,
}

/// An option in an option.
const SOME: &str = "

_T = _t.TypeVar(\"_T\")


@_dataclasses.dataclass
class Some(_t.Generic[_T]):
    \"\"\"An option that is there; its value may be `None` in turn.\"\"\"

    val: _T
";

/// The cases of a `result` that stands in place.
const RESULT: &str = "

_V = _t.TypeVar(\"_V\")


@_dataclasses.dataclass
class ResultOk(_t.Generic[_V]):
    \"\"\"A result that is good.\"\"\"

    tag: _t.ClassVar[str] = \"ok\"
    val: _V


@_dataclasses.dataclass
class ResultError(_t.Generic[_V]):
    \"\"\"A result that is an error.\"\"\"

    tag: _t.ClassVar[str] = \"error\"
    val: _V
";

impl Module {
    /// Only what is used.
    fn imports(&self) -> String {
        let mut imports = String::new();
        for (module, name) in [
            ("base64", "_base64"),
            ("dataclasses", "_dataclasses"),
            ("enum", "_enum"),
        ] {
            if self.text.contains(&format!("{name}.")) {
                let _ = writeln!(imports, "import {module} as {name}");
            }
        }
        imports + "import typing as _t\n"
    }

    fn once(&mut self, name: &str, text: &str) {
        if self.declared.insert(name.to_owned()) {
            self.text.push_str(text);
        }
    }

    /// Declare the types that a type is made of, and the type; returns its name as an
    /// annotation that also stands at run time. `place` names a type without name.
    fn declare(&mut self, ty: &Type, place: &str) -> String {
        match &ty.shape {
            Shape::Bool => "bool".into(),
            Shape::Integer(_) => "int".into(),
            Shape::F32 | Shape::F64 => "float".into(),
            Shape::Char | Shape::String => "str".into(),
            Shape::Json => "_t.Any".into(),
            Shape::Bytes => "bytes".into(),
            Shape::List(of) => format!("list[{}]", self.declare(of, place)),
            Shape::Tuple(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.declare(&item.ty, place))
                    .collect();
                format!("tuple[{}]", items.join(", "))
            }
            Shape::Option(item) => match &item.ty.shape {
                Shape::Option(inner) => {
                    self.once("some", SOME);
                    let inner = self.declare(&inner.ty, place);
                    format!("_t.Optional[Some[_t.Optional[{inner}]]]")
                }
                _ => format!("_t.Optional[{}]", self.declare(&item.ty, place)),
            },
            Shape::Variant { cases, .. } if ty.name.is_none() => {
                self.once("result", RESULT);
                let mut word = |case: &Case| match &case.ty {
                    Some(ty) => self.declare(ty, place),
                    None => "None".into(),
                };
                let (ok, error) = (word(&cases[0]), word(&cases[1]));
                format!("_t.Union[ResultOk[{ok}], ResultError[{error}]]")
            }
            shape => {
                let name = ty.name.as_deref().unwrap_or(place);
                if self.declared.insert(name.to_owned()) {
                    self.class(shape, name, &ty.notes);
                }
                class_name(name)
            }
        }
    }

    fn class(&mut self, shape: &Shape, name: &str, notes: &Notes) {
        match shape {
            Shape::Record(fields) => self.record(fields, name, notes),
            Shape::Enum(cases) => self.enumeration(cases, name, notes),
            Shape::Variant { cases, .. } => self.variant(cases, name, notes),
            Shape::Flags(flags) => self.flags(flags, name, notes),
            _ => {}
        }
    }

    fn record(&mut self, fields: &[Field], name: &str, notes: &Notes) {
        let mut body = String::new();
        for field in fields {
            let word = self.declare(&field.ty, &format!("{name}-{}", field.name));
            let default = match (field.is_optional(), field.is_sensitive()) {
                (false, false) => "",
                (true, false) => " = None",
                (false, true) => " = _dataclasses.field(repr=False)",
                (true, true) => " = _dataclasses.field(default=None, repr=False)",
            };
            let _ = writeln!(body, "    {}: {word}{default}", attribute(&field.name));
            docstring(&field.notes, "    ", &mut body);
        }
        let class = class_name(name);
        self.head(&class, notes, "(kw_only=True)");
        self.text.push_str(&body);
        let mut read = format!(
            "\n    @classmethod\n    def from_json(cls, data: _t.Any) -> {class}:\n        \
             \"\"\"Read what `json` makes of it.\"\"\"\n        return cls(\n"
        );
        let mut write = "\n    def to_json(self) -> dict[str, _t.Any]:\n        \
                         \"\"\"What `json` writes.\"\"\"\n        data: dict[str, _t.Any] = {\n"
            .to_owned();
        let mut optional = String::new();
        for field in fields {
            let (key, name) = (quote(&field.key), attribute(&field.name));
            let own = format!("self.{name}");
            let value = if field.is_optional() {
                let inner = match &field.ty.shape {
                    Shape::Option(item) if !matches!(item.ty.shape, Shape::Option(_)) => &item.ty,
                    _ => &field.ty,
                };
                let _ = write!(
                    optional,
                    "        if {own} is not None:\n            data[{key}] = {}\n",
                    writes(inner, &own, 0)
                );
                reads(&field.ty, &format!("data.get({key})"), 0)
            } else {
                let _ = writeln!(write, "            {key}: {},", writes(&field.ty, &own, 0));
                reads(&field.ty, &format!("data[{key}]"), 0)
            };
            let _ = writeln!(read, "            {name}={value},");
        }
        read.push_str("        )\n");
        let _ = write!(write, "        }}\n{optional}        return data\n");
        self.text.push_str(&read);
        self.text.push_str(&write);
    }

    fn enumeration(&mut self, cases: &[Case], name: &str, notes: &Notes) {
        let class = class_name(name);
        let _ = writeln!(self.text, "\n\nclass {class}(str, _enum.Enum):");
        docstring_or(notes, &format!("One of {}.", count(cases)), &mut self.text);
        self.text.push('\n');
        for case in cases {
            let member = case.name.replace('-', "_").to_ascii_uppercase();
            let _ = writeln!(self.text, "    {member} = {}", quote(&case.key));
            docstring(&case.notes, "    ", &mut self.text);
        }
    }

    fn flags(&mut self, flags: &[Case], name: &str, notes: &Notes) {
        self.head(&class_name(name), notes, "(kw_only=True)");
        let (mut read, mut write) = (String::new(), String::new());
        for flag in flags {
            let (key, name) = (quote(&flag.key), attribute(&flag.name));
            let _ = writeln!(self.text, "    {name}: bool = False");
            docstring(&flag.notes, "    ", &mut self.text);
            let _ = writeln!(read, "            {name}=data.get({key}, False),");
            let _ = writeln!(write, "            {key}: self.{name},");
        }
        let _ = write!(
            self.text,
            "\n    @classmethod\n    def from_json(cls, data: _t.Any) -> {}:\n        \
             \"\"\"Read what `json` makes of it.\"\"\"\n        return cls(\n{read}        )\n\
             \n    def to_json(self) -> dict[str, _t.Any]:\n        \
             \"\"\"What `json` writes.\"\"\"\n        return {{\n{write}        }}\n",
            class_name(name)
        );
    }

    /// A class for each case, their union, and a function that reads it.
    fn variant(&mut self, cases: &[Case], name: &str, notes: &Notes) {
        let union = class_name(name);
        let mut classes = Vec::new();
        for case in cases {
            let word = case
                .ty
                .as_deref()
                .map(|ty| self.declare(ty, &format!("{name}-{}", case.name)));
            let class = class_name(&format!("{name}-{}", case.name));
            self.head(&class, &case.notes, "");
            let key = quote(&case.key);
            let _ = writeln!(self.text, "    tag: _t.ClassVar[str] = {key}");
            let (mut arguments, mut value) = (String::new(), String::new());
            if let (Some(word), Some(ty)) = (word, &case.ty) {
                let _ = writeln!(self.text, "    val: {word}");
                arguments = reads(ty, "data[\"val\"]", 0);
                value = format!(", \"val\": {}", writes(ty, "self.val", 0));
            }
            let _ = write!(
                self.text,
                "\n    @classmethod\n    def from_json(cls, data: _t.Any) -> {class}:\n        \
                 \"\"\"Read what `json` makes of it.\"\"\"\n        return cls({arguments})\n\
                 \n    def to_json(self) -> dict[str, _t.Any]:\n        \
                 \"\"\"What `json` writes.\"\"\"\n        return {{\"tag\": {key}{value}}}\n"
            );
            classes.push((key, class));
        }
        let words: Vec<&str> = classes.iter().map(|(_, class)| class.as_str()).collect();
        let _ = write!(self.text, "\n\n{union} = _t.Union[{}]\n", words.join(", "));
        docstring(notes, "", &mut self.text);
        let cases: Vec<String> = classes
            .iter()
            .map(|(key, class)| format!("    {key}: {class},\n"))
            .collect();
        let _ = write!(
            self.text,
            "\n_CASES_OF_{}: dict[str, _t.Any] = {{\n{}}}\n",
            name.replace('-', "_").to_ascii_uppercase(),
            cases.concat()
        );
    }

    fn head(&mut self, class: &str, notes: &Notes, options: &str) {
        let _ = writeln!(
            self.text,
            "\n\n@_dataclasses.dataclass{options}\nclass {class}:"
        );
        let before = self.text.len();
        docstring(notes, "    ", &mut self.text);
        if self.text.len() > before {
            self.text.push('\n');
        }
    }
}

fn count(cases: &[Case]) -> String {
    match cases.len() {
        1 => "one value".into(),
        many => format!("{many} values"),
    }
}

/// `OtpRequest` of `otp-request`; no keyword.
fn class_name(name: &str) -> String {
    match pascal(name) {
        keyword if ["None", "True", "False"].contains(&&*keyword) => keyword + "_",
        // Those that the module declares itself.
        taken if ["Some", "ResultOk", "ResultError"].contains(&&*taken) => taken + "_",
        name => name,
    }
}

/// `user_name` of `user-name`; no keyword, and no method of the class.
fn attribute(name: &str) -> String {
    const TAKEN: [&str; 35] = [
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "from_json",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "to_json",
        "try",
        "while",
        "with",
        "yield",
        "self",
    ];
    let name = name.replace('-', "_").to_ascii_lowercase();
    match TAKEN.contains(&&*name) {
        true => name + "_",
        false => name,
    }
}

/// What the notes say, line by line.
fn lines(notes: &Notes) -> Vec<String> {
    let mut lines: Vec<String> = notes.text.lines().map(str::to_owned).collect();
    lines.extend(notes.examples.iter().map(|of| format!("Example: {of}")));
    if notes.sensitive {
        lines.push("Sensitive: not shown in logs and output.".into());
    }
    lines
}

fn docstring(notes: &Notes, indent: &str, text: &mut String) {
    match lines(notes).as_slice() {
        [] => {}
        [one] => {
            let _ = writeln!(text, "{indent}\"\"\"{}\"\"\"", closed(one));
        }
        many => {
            let _ = write!(text, "{indent}\"\"\"{}", safe(&many[0]));
            for line in &many[1..] {
                let line = safe(line);
                let _ = write!(text, "\n{}", format!("{indent}{line}").trim_end());
            }
            let _ = write!(text, "\n{indent}\"\"\"\n");
        }
    }
}

fn docstring_or(notes: &Notes, other: &str, text: &mut String) {
    let before = text.len();
    docstring(notes, "    ", text);
    if text.len() == before {
        let _ = writeln!(text, "    \"\"\"{other}\"\"\"");
    }
}

fn comment(notes: &Notes, indent: &str, text: &mut String) {
    for line in lines(notes) {
        let _ = writeln!(text, "{}", format!("{indent}# {line}").trim_end());
    }
}

/// Nothing ends the docstring early.
fn safe(text: &str) -> String {
    text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"")
}

/// A docstring on one line must not end in a quotation mark.
fn closed(text: &str) -> String {
    let text = safe(text);
    match text.strip_suffix('"') {
        Some(start) => format!("{start}\\\""),
        None => text,
    }
}

/// A string as Python reads it: JSON's escapes are among Python's.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
