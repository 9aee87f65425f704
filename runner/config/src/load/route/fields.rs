//! Placeholders that no request can fill.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::refuse_value;
use crate::Queue;
use crate::decode::{Decoder, Table};
use crate::keys::route::is_header;
use crate::problem::nearest;
use crate::value::{Fault, fault};
use crate::webhook::{Field, From, RouteJob, Scheme, Text};

/// What is known of a route's requests.
pub(super) struct Known<'a> {
    pub(super) parameters: Vec<String>,
    /// `None`: that could not be read.
    pub(super) scheme: Option<Scheme>,
    pub(super) has_body: bool,
    pub(super) queues: &'a BTreeMap<String, Arc<Queue>>,
}

impl Known<'_> {
    /// Refuse what the templates of a job ask for in vain.
    pub(super) fn check(&self, decoder: &mut Decoder<'_>, table: &Table<'_>, job: &RouteJob) {
        for (key, text) in [
            ("queue", Some(&job.queue)),
            ("name", Some(&job.name)),
            ("id", job.id.as_ref()),
            ("delay", job.delay.as_ref()),
            ("priority", job.priority.as_ref()),
        ] {
            if let Some(text) = text {
                self.check_text(decoder, table, key, text);
            }
        }
        for field in job.payload.fields() {
            self.check_field(decoder, table, "payload", field);
        }
    }

    /// The same for one template.
    pub(super) fn check_text(
        &self,
        decoder: &mut Decoder<'_>,
        table: &Table<'_>,
        key: &str,
        text: &Text,
    ) {
        for field in text.fields() {
            self.check_field(decoder, table, key, field);
        }
    }

    fn check_field(&self, decoder: &mut Decoder<'_>, table: &Table<'_>, key: &str, field: &Field) {
        if let Some(fault) = self.fault(field) {
            refuse_value(decoder, table, key, fault);
        }
    }

    fn fault(&self, field: &Field) -> Option<Fault> {
        let name = field.path.first().map(String::as_str).unwrap_or_default();
        match field.source {
            From::Body if !self.has_body => Some(fault(
                format!("has `{{{field}}}`, but a GET request has no body"),
                "take it from the query: {query.name}",
            )),
            From::Claim if self.scheme.is_some_and(|scheme| scheme != Scheme::Jwt) => Some(fault(
                format!("has `{{{field}}}`, but only a JWT has claims"),
                "write verify = { scheme = \"jwt\" }",
            )),
            From::Path if !self.parameters.iter().any(|own| own == name) => {
                let own = self.parameters.iter().map(String::as_str);
                let hint = match nearest(name, own) {
                    Some(near) => format!("did you mean {{path.{near}}}?"),
                    None => format!("add the parameter to `path`: \"/hooks/{{{name}}}\""),
                };
                Some(fault(
                    format!("has `{{{field}}}`, but the path has no such parameter"),
                    hint,
                ))
            }
            From::Header if !is_header(name) => Some(fault(
                format!("has `{{{field}}}`, which is not the name of a header"),
                "write {header.X-Topic}",
            )),
            _ => None,
        }
    }
}
