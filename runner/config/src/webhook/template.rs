//! Templates: texts and JSON with placeholders for what a request says, such as
//! `order-{body.id}`.

use std::fmt::{self, Display, Formatter};

use toml::de::DeValue;

use crate::problem::nearest;
use crate::value::{self, Fault, Raw, fault};

/// Text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub Vec<Part>);

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Plain(String),
    /// What the request says.
    Field(Field),
}

/// Something that a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Where it is looked for.
    pub source: Source,
    /// Names of fields and places in lists; none for the whole of it.
    pub path: Vec<String>,
    /// `{body.note?}`: it may be missing.
    pub optional: bool,
}

/// Where a field is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `{body}`, `{body.order.id}`
    Body,
    /// `{header.X-Topic}`
    Header,
    /// `{claim.sub}`, of a JWT.
    Claim,
    /// `{path.shop}`, a parameter of the route's path.
    Path,
    /// `{query.page}`
    Query,
}

/// JSON with placeholders.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// JSON text as it stands.
    Plain(String),
    /// A text. One that is a single placeholder is what that stands for, of any type.
    Text(Text),
    /// A list.
    List(Vec<Form>),
    /// An object, in the order of the file.
    Table(Vec<(String, Form)>),
}

impl Source {
    const ALL: [Source; 5] = [
        Source::Body,
        Source::Header,
        Source::Claim,
        Source::Path,
        Source::Query,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Source::Body => "body",
            Source::Header => "header",
            Source::Claim => "claim",
            Source::Path => "path",
            Source::Query => "query",
        }
    }
}

impl Text {
    /// Text that is not empty, with placeholders in braces.
    pub(crate) fn read(raw: Raw<'_>) -> Result<Text, Fault> {
        let whole = value::text(raw)?;
        let field = |word: &str| Field::read(word).map(Part::Field);
        value::pieces(&whole, Part::Plain, field).map(Text)
    }

    /// Text without placeholders.
    pub fn plain(text: &str) -> Text {
        Text(vec![Part::Plain(text.to_owned())])
    }

    /// The text, if it has no placeholder.
    pub fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// What it takes from a request.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.0.iter().filter_map(|part| match part {
            Part::Field(field) => Some(field),
            Part::Plain(_) => None,
        })
    }
}

impl Field {
    fn read(word: &str) -> Result<Field, Fault> {
        let (name, optional) = match word.strip_suffix('?') {
            Some(name) => (name, true),
            None => (word, false),
        };
        let (head, rest) = match name.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (name, None),
        };
        let source = Source::ALL.into_iter().find(|source| source.name() == head);
        let Some(source) = source else {
            return Err(unknown(word, head));
        };
        let path: Vec<String> = match (source, rest) {
            (Source::Body, None) => Vec::new(),
            // Names of headers, parameters and keys of a query have no parts.
            (Source::Header | Source::Path | Source::Query, Some(rest)) => vec![rest.to_owned()],
            (_, Some(rest)) => rest.split('.').map(str::to_owned).collect(),
            (_, None) => {
                return Err(fault(
                    format!("has the placeholder `{{{word}}}`, which names no field"),
                    format!("write {{{head}.name}}"),
                ));
            }
        };
        if path.iter().any(String::is_empty) {
            return Err(fault(
                format!("has the placeholder `{{{word}}}`, whose path has an empty part"),
                "write names and places in lists with one dot between: {body.items.0.sku}",
            ));
        }
        Ok(Field {
            source,
            path,
            optional,
        })
    }
}

fn unknown(word: &str, head: &str) -> Fault {
    let names = Source::ALL.map(Source::name);
    let hint = match nearest(head, names) {
        Some(near) => format!("did you mean {{{}}}?", word.replacen(head, near, 1)),
        None => "write `{{` for a brace as such".to_owned(),
    };
    fault(
        format!(
            "has the placeholder `{{{word}}}`; there are {{body}}, {{body.field}}, {{header.Name}}, {{query.name}}, {{path.name}} and {{claim.name}}"
        ),
        hint,
    )
}

impl Form {
    /// A value of TOML, with placeholders in its texts.
    pub(crate) fn read(raw: Raw<'_>) -> Result<Form, Fault> {
        match raw {
            Raw::Toml(value) => Form::within(value, ""),
            Raw::Text(_) => Text::read(raw).map(Form::Text),
        }
    }

    /// The part of a value at this path.
    fn within(value: &DeValue<'_>, path: &str) -> Result<Form, Fault> {
        let below = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        let here = |fault: Fault| match path {
            "" => fault,
            path => Fault {
                message: format!("at {path:?} {}", fault.message),
                ..fault
            },
        };
        Ok(match value {
            DeValue::String(text) if text.contains(['{', '}']) => {
                Form::Text(Text::read(Raw::Toml(value)).map_err(here)?)
            }
            DeValue::Array(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.map(|(at, item)| Form::within(item.get_ref(), &below(&at.to_string())));
                Form::List(items.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span().start);
                let entries = entries.into_iter().map(|(key, item)| {
                    let name = key.get_ref().to_string();
                    let form = Form::within(item.get_ref(), &below(&name))?;
                    Ok((name, form))
                });
                Form::Table(entries.collect::<Result<_, Fault>>()?)
            }
            other => Form::Plain(value::json(other).map_err(here)?.to_string()),
        })
    }

    /// The whole body.
    pub fn body() -> Form {
        Form::Text(Text(vec![Part::Field(Field {
            source: Source::Body,
            path: Vec::new(),
            optional: false,
        })]))
    }

    /// What it takes from a request.
    pub fn fields(&self) -> Vec<&Field> {
        match self {
            Form::Plain(_) => Vec::new(),
            Form::Text(text) => text.fields().collect(),
            Form::List(items) => items.iter().flat_map(Form::fields).collect(),
            Form::Table(entries) => entries.iter().flat_map(|(_, of)| of.fields()).collect(),
        }
    }
}

/// As it is written, without braces.
impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.source.name())?;
        self.path.iter().try_for_each(|part| write!(f, ".{part}"))?;
        f.write_str(if self.optional { "?" } else { "" })
    }
}

/// As it is written.
impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Plain(text) => {
                write!(f, "{}", text.replace('{', "{{").replace('}', "}}"))
            }
            Part::Field(field) => write!(f, "{{{field}}}"),
        })
    }
}

/// As JSON would write it, each placeholder in braces.
impl Display for Form {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Form::Plain(json) => f.write_str(json),
            Form::Text(text) => write!(f, "{:?}", text.to_string()),
            Form::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Form::Table(entries) => {
                f.write_str("{")?;
                for (at, (name, item)) in entries.iter().enumerate() {
                    write!(f, "{}{name:?}:{item}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, String) {
        let fault = Text::read(Raw::Text(text)).unwrap_err();
        (fault.message, fault.hint)
    }

    #[test]
    fn a_text_is_what_it_was_written_as() {
        for text in [
            "order-{body.items.0.id}-{{x}}",
            "{header.X-Shopify-Topic}",
            "{body}",
            "{claim.https://x?}",
            "{query.a.b?}",
        ] {
            assert_eq!(Text::read(Raw::Text(text)).unwrap().to_string(), text);
        }
    }

    #[test]
    fn placeholders_that_stand_for_nothing_are_refused_with_the_way_out() {
        let all = "there are {body}, {body.field}, {header.Name}, {query.name}, {path.name} and {claim.name}";
        assert_eq!(
            refused("{headers.X-Topic}"),
            (
                format!("has the placeholder `{{headers.X-Topic}}`; {all}"),
                "did you mean {header.X-Topic}?".to_owned()
            )
        );
        assert_eq!(
            refused("{ id }"),
            (
                format!("has the placeholder `{{ id }}`; {all}"),
                "write `{{` for a brace as such".to_owned()
            )
        );
        assert_eq!(
            refused("{claim}").0,
            "has the placeholder `{claim}`, which names no field"
        );
        assert_eq!(
            refused("{body..id}").0,
            "has the placeholder `{body..id}`, whose path has an empty part"
        );
        assert_eq!(refused("{body").0, "has a `{` without its other half");
    }
}
