//! Which letters are meant: by name, reason and age, or in the search language.

use std::time::Duration;

use crate::cli::{Exit, Result};
use crate::units;
use crate::verbs::filter;
use crate::verbs::letters::Which;

#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only jobs whose name matches; * matches any characters.
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Only letters whose reason contains this text; case is ignored.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only letters that failed at least this long ago: 2h, 30d.
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only letters that failed within the last 2h, 30d, ….
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    newer_than: Option<Duration>,
    /// Only letters that a search matches: "name:email-* data.shopId:7 error:timeout".
    #[arg(long, value_name = "QUERY")]
    filter: Option<filter::Filter>,
}

/// Letters by id, or all that a filter lets through.
#[derive(Debug, clap::Args)]
pub(super) struct Pick {
    /// Ids of letters.
    #[arg(required_unless_present = "all", conflicts_with_all = ["all", "name", "reason", "older_than", "newer_than", "filter"])]
    ids: Vec<String>,
    /// All letters, or all that match the filters.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

impl Filter {
    /// In the search language.
    pub(super) fn query(&self) -> Result<filter::Filter> {
        let quoted = |text: &str| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{text}\"")
        };
        let age = |age: Duration| units::duration(age);
        let mut terms = Vec::new();
        if let Some(name) = &self.name {
            // A pattern stands in no quotes.
            let ends = |c: char| c == ',' || c == '"' || c.is_whitespace();
            terms.push(match name.contains('*') {
                true if name.contains(ends) => {
                    return Err(Exit::usage(format!(
                        "--name {name:?}: a pattern has no spaces, commas or quotes; put * for them"
                    )));
                }
                true => format!("name:{name}"),
                false => format!("name:{}", quoted(name)),
            });
        }
        terms.extend(
            self.reason
                .as_deref()
                .map(|text| format!("error:{}", quoted(text))),
        );
        terms.extend(self.older_than.map(|of| format!("until:{}", age(of))));
        terms.extend(self.newer_than.map(|of| format!("since:{}", age(of))));
        terms.extend(self.filter.as_ref().map(ToString::to_string));
        terms.join(" ").parse().map_err(Exit::usage)
    }
}

impl Pick {
    /// Whether it is all that fits, which is asked about first.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// The ids, in parts for one call each; none when it is all that fits.
    pub(super) fn ids(&self, part: usize) -> impl Iterator<Item = Vec<String>> {
        self.ids.chunks(part).map(<[String]>::to_vec)
    }

    /// All that fits.
    pub(super) fn all(&self) -> Result<Which> {
        Ok(Which {
            filter: Some(self.filter.query()?),
            ..Which::default()
        })
    }
}
