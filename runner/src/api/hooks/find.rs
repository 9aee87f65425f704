//! Which route a request is for.

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::config::webhook::Route;

/// What is at a path.
pub(super) enum Found<'a> {
    /// This route, with the parameters of its path.
    Route(&'a Route, Vec<(String, String)>),
    /// Routes for other methods.
    Methods(Vec<&'static str>),
    Nothing,
}

/// The route for a request. Where several fit, that with a word where others have a
/// parameter.
pub(super) fn find<'a>(routes: &'a [Arc<Route>], method: &Method, path: &str) -> Found<'a> {
    let here: Vec<_> = routes
        .iter()
        .filter_map(|route| Some((route, parameters(&route.path, path)?)))
        .collect();
    let mut methods: Vec<_> = here.iter().map(|(route, _)| route.method.name()).collect();
    let best = here
        .into_iter()
        .filter(|(route, _)| route.method.name() == method.as_str())
        .min_by_key(|(route, _)| {
            let segments = route
                .path
                .split('/')
                .map(|segment| segment.starts_with('{'));
            segments.collect::<Vec<_>>()
        });
    methods.dedup();
    match best {
        Some((route, parameters)) => Found::Route(route, parameters),
        None if methods.is_empty() => Found::Nothing,
        None => Found::Methods(methods),
    }
}

/// The parameters of a path that fits.
pub(super) fn parameters(route: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let (mut wanted, mut segments) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return Some(found),
            (Some(wanted), Some(segment)) => {
                let name = wanted.strip_prefix('{').and_then(|of| of.strip_suffix('}'));
                match name {
                    None if wanted == segment => {}
                    Some(name) if !segment.is_empty() => {
                        let value = percent_decode_str(segment).decode_utf8().ok();
                        found.push((name.to_owned(), value.map(Cow::into_owned)?));
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<String> {
        let routes = ["/hooks/{shop}", "/hooks/acme", "/{a}/{b}/{c}"].map(|path| {
            Arc::new(Route {
                path: path.to_owned(),
                ..Route::default()
            })
        });
        match find(&routes, &Method::POST, path) {
            Found::Route(route, parameters) => Some(format!("{} {parameters:?}", route.path)),
            Found::Methods(_) | Found::Nothing => None,
        }
    }

    #[test]
    fn a_word_goes_before_a_parameter_and_segments_are_whole() {
        assert_eq!(found("/hooks/acme").unwrap(), "/hooks/acme []");
        assert_eq!(
            found("/hooks/b%20c%2Fd").unwrap(),
            r#"/hooks/{shop} [("shop", "b c/d")]"#
        );
        assert_eq!(
            found("/1/2/3").unwrap(),
            r#"/{a}/{b}/{c} [("a", "1"), ("b", "2"), ("c", "3")]"#
        );
        for path in [
            "/hooks/",
            "/hooks",
            "//hooks/a",
            "/hooks/%ff",
            "/Hooks/acme/",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
