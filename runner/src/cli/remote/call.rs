//! One request to the API, before it is sent.

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use crate::api::segment;

/// A request.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Call {
    pub(super) method: Method,
    /// With its query.
    pub(super) path: String,
    pub(super) body: Option<Body>,
}

/// What is sent with a request.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) kind: &'static str,
    pub(super) bytes: Bytes,
}

impl Call {
    /// `parts` with each `{}` replaced by the next of `names`, encoded.
    pub(super) fn new(method: Method, parts: &str, names: &[&str]) -> Call {
        let mut names = names.iter();
        let mut path = String::new();
        for (n, part) in parts.split("{}").enumerate() {
            if n > 0 {
                path.push_str(&segment(names.next().expect("a name for each place")));
            }
            path.push_str(part);
        }
        Call {
            method,
            path,
            body: None,
        }
    }

    /// With this in the query, if it is set.
    pub(super) fn query(mut self, name: &str, value: Option<impl ToString>) -> Call {
        if let Some(value) = value {
            let sign = if self.path.contains('?') { '&' } else { '?' };
            let value = segment(&value.to_string());
            self.path.push_str(&format!("{sign}{name}={value}"));
        }
        self
    }

    /// With this as JSON in the body.
    pub(super) fn body(self, body: &impl Serialize) -> Call {
        let body = serde_json::to_string(body).expect("own types serialise to JSON");
        self.json(body)
    }

    /// With this JSON text in the body.
    pub(super) fn json(self, text: String) -> Call {
        self.sends("application/json", text.into())
    }

    /// With these lines of JSON in the body.
    pub(super) fn lines(self, lines: Bytes) -> Call {
        self.sends("application/x-ndjson", lines)
    }

    fn sends(self, kind: &'static str, bytes: Bytes) -> Call {
        Call {
            body: Some(Body { kind, bytes }),
            ..self
        }
    }

    /// Its method and its path, as an error names it.
    pub(super) fn shown(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_segment() {
        let call = Call::new(Method::GET, "/api/{}/x/{}", &["a/b c", ".."]);
        let call = call.query("q", Some("name:a&b")).query("limit", Some(3));
        assert_eq!(
            call.query("cursor", None::<String>).path,
            "/api/a%2Fb%20c/x/%2E%2E?q=name%3Aa%26b&limit=3"
        );
    }
}
