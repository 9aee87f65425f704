//! What generated types are made of, beyond Go's own: only what a file uses is in it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

/// The names of what may be in a file.
pub(super) static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tuples = (0..=16).map(|n| format!("Tuple{n}"));
    let others = ["Bytes", "Handle", "Jobs", "List", "Option"];
    tuples.chain(others.map(String::from)).collect()
});

const BYTES: &str = "
// Bytes are written as base64, nil as none of them.
type Bytes []byte

// MarshalJSON writes base64.
func (b Bytes) MarshalJSON() ([]byte, error) {
\treturn json.Marshal(append([]byte{}, b...))
}
";

const LIST: &str = "
// List is a slice that is written as an array, also when it is nil.
type List[T any] []T

// MarshalJSON writes an array.
func (l List[T]) MarshalJSON() ([]byte, error) {
\treturn json.Marshal(append([]T{}, l...))
}
";

const OPTION: &str = "
// Option is a value or none, where nil is a value.
type Option[T any] struct {
\tSome bool
\tVal  T
}

// MarshalJSON writes null or an object with tag and val.
func (o Option[T]) MarshalJSON() ([]byte, error) {
\tif !o.Some {
\t\treturn []byte(\"null\"), nil
\t}
\treturn writeCase(\"some\", o.Val)
}

// UnmarshalJSON reads null or an object with tag and val.
func (o *Option[T]) UnmarshalJSON(text []byte) error {
\t*o = Option[T]{}
\tif string(text) == \"null\" {
\t\treturn nil
\t}
\ttag, val, err := readCase(text)
\tif err != nil || tag == \"none\" {
\t\treturn err
\t}
\to.Some = true
\treturn json.Unmarshal(val, &o.Val)
}
";

const CASES: &str = "
func writeCase(tag string, val any) ([]byte, error) {
\tif val == nil {
\t\treturn json.Marshal(map[string]string{\"tag\": tag})
\t}
\treturn json.Marshal(struct {
\t\tTag string `json:\"tag\"`
\t\tVal any    `json:\"val\"`
\t}{tag, val})
}

func readCase(text []byte) (tag string, val json.RawMessage, err error) {
\tread := struct {
\t\tTag string          `json:\"tag\"`
\t\tVal json.RawMessage `json:\"val\"`
\t}{Val: json.RawMessage(\"null\")}
\terr = json.Unmarshal(text, &read)
\treturn read.Tag, read.Val, err
}
";

const ITEMS: &str = "
func readItems(text []byte, items ...any) error {
\tvar texts []json.RawMessage
\tif err := json.Unmarshal(text, &texts); err != nil {
\t\treturn err
\t}
\tif len(texts) != len(items) {
\t\treturn fmt.Errorf(\"expected an array of %d, found one of %d\", len(items), len(texts))
\t}
\tfor i := range items {
\t\tif err := json.Unmarshal(texts[i], items[i]); err != nil {
\t\t\treturn err
\t\t}
\t}
\treturn nil
}
";

/// What a file uses.
#[derive(Default)]
pub(super) struct Support {
    raw: bool,
    bytes: bool,
    list: bool,
    option: bool,
    variant: bool,
    tuples: BTreeSet<usize>,
}

impl Support {
    pub(super) fn raw(&mut self) -> String {
        self.raw = true;
        "json.RawMessage".into()
    }

    pub(super) fn bytes(&mut self) -> String {
        self.bytes = true;
        "Bytes".into()
    }

    pub(super) fn list(&mut self, of: &str) -> String {
        self.list = true;
        format!("List[{of}]")
    }

    pub(super) fn option(&mut self, of: &str) -> String {
        self.option = true;
        format!("Option[{of}]")
    }

    pub(super) fn tuple(&mut self, items: &[String]) -> String {
        self.tuples.insert(items.len());
        format!("Tuple{}[{}]", items.len(), items.join(", "))
    }

    pub(super) fn variant(&mut self) {
        self.variant = true;
    }

    pub(super) fn imports(&self) -> String {
        let fmt = self.variant || !self.tuples.is_empty();
        let json = fmt || self.raw || self.bytes || self.list || self.option;
        match (json, fmt) {
            (true, true) => "import (\n\t\"encoding/json\"\n\t\"fmt\"\n)\n\n".into(),
            (true, false) => "import \"encoding/json\"\n\n".into(),
            _ => String::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        let parts = [
            (self.bytes, BYTES),
            (self.list, LIST),
            (self.option, OPTION),
            (self.variant || self.option, CASES),
            (!self.tuples.is_empty(), ITEMS),
        ];
        let used = parts.iter().filter(|(used, _)| *used);
        let mut text: String = used.map(|(_, text)| *text).collect();
        for n in &self.tuples {
            text.push_str(&tuple(*n));
        }
        text
    }
}

/// `Tuple2`: a struct that is written as an array.
fn tuple(n: usize) -> String {
    let list = |of: &dyn Fn(usize) -> String| -> String {
        let parts: Vec<String> = (0..n).map(of).collect();
        parts.join(", ")
    };
    let names = list(&|at| format!("T{at}"));
    let mut fields = String::new();
    for at in 0..n {
        let width = if n > 10 && at < 10 { " " } else { "" };
        let _ = writeln!(fields, "\tF{at}{width} T{at}");
    }
    format!(
        "\n// Tuple{n} is written as an array of {n}.\n\
         type Tuple{n}[{names} any] struct {{\n{fields}}}\n\n\
         // MarshalJSON writes an array.\n\
         func (t Tuple{n}[{names}]) MarshalJSON() ([]byte, error) {{\n\
         \treturn json.Marshal([]any{{{}}})\n}}\n\n\
         // UnmarshalJSON reads an array.\n\
         func (t *Tuple{n}[{names}]) UnmarshalJSON(text []byte) error {{\n\
         \treturn readItems(text, {})\n}}\n",
        list(&|at| format!("t.F{at}")),
        list(&|at| format!("&t.F{at}")),
    )
}
