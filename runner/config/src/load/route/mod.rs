//! `[[routes]]`

mod fields;
mod verify;

pub(super) use self::verify::standard_key;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decode::{Decoder, Entry, Table};
use crate::keys::route::{ANSWER, ROUTE, ROUTE_CHILD, ROUTE_JOB};
use crate::load::queue::declared;
use crate::value::{self, Fault, Raw, fault};
use crate::webhook::{Answer, Form, Method, Route, RouteJob, Scheme, Text, delay};
use crate::{PRIORITY_LIMIT, Queue};

use self::fields::Known;

type Queues = BTreeMap<String, Arc<Queue>>;

pub(super) fn read_all(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    queues: &Queues,
) -> Vec<Arc<Route>> {
    let mut routes: Vec<Arc<Route>> = Vec::new();
    let mut lines = Vec::new();
    for table in decoder.tables(root, "routes") {
        let Some(route) = read(decoder, &table, queues) else {
            continue;
        };
        let place = (shape(&route.path), route.method);
        let twice = routes
            .iter()
            .position(|other| (shape(&other.path), other.method) == place);
        if let Some(other) = twice {
            let twice = fault(
                format!("is the path of the route in line {}", lines[other]),
                "give one of them another `path` or `method`",
            );
            refuse(decoder, &table, "path", twice);
            continue;
        }
        routes.push(Arc::new(route));
        lines.push(decoder.line(table.span.start));
    }
    routes
}

fn read(decoder: &mut Decoder<'_>, table: &Table<'_>, queues: &Queues) -> Option<Route> {
    decoder.only(table, ROUTE.names().chain(ROUTE_JOB.names()));
    let mut route = Route::default();
    ROUTE.read(decoder, table, &mut route);
    let path = required(decoder, table, "path") && path(decoder, table, &route.path);
    let verify = verify::read(decoder, table);
    if let Some(answer) = decoder.table(table, "answer", ANSWER.names()) {
        ANSWER.read(decoder, &answer, &mut route.answer);
        check_answer(decoder, &answer, &route.answer);
    }
    let known = Known {
        parameters: parameters(&route.path).map(str::to_owned).collect(),
        scheme: verify.as_ref().map(|verify| verify.scheme),
        has_body: route.method != Method::Get,
        queues,
    };
    let job = job(decoder, table, &known, 0);
    route.once = once(decoder, table, &known);
    route.verify = verify?;
    route.job = job?;
    path.then_some(route)
}

/// How deep a flow may be.
const DEEPEST: usize = 32;

fn job(
    decoder: &mut Decoder<'_>,
    table: &Table<'_>,
    known: &Known<'_>,
    depth: usize,
) -> Option<RouteJob> {
    let mut job = RouteJob::default();
    ROUTE_JOB.read(decoder, table, &mut job);
    if depth > 0 {
        let keys = ROUTE_JOB.names().chain(ROUTE_CHILD.names());
        decoder.only(table, keys);
        ROUTE_CHILD.read(decoder, table, &mut job);
    }
    if job.payload == Form::body() && !known.has_body {
        job.payload = Form::Plain("{}".to_owned());
    }
    let there = [
        required(decoder, table, "queue"),
        required(decoder, table, "name"),
    ];
    known.check(decoder, table, &job);
    if let Some(name) = job.queue.constant()
        && let Err(fault) = declared(name, known.queues)
    {
        refuse(decoder, table, "queue", fault);
    }
    check_numbers(decoder, table, &job);
    let children = decoder.tables(table, "children");
    if depth == DEEPEST && !children.is_empty() {
        let deep = fault("are too deep", "put some of them side by side");
        refuse(decoder, table, "children", deep);
        return None;
    }
    let mut whole = true;
    for child in &children {
        let child = self::job(decoder, child, known, depth + 1);
        whole &= child.is_some();
        job.children.extend(child);
    }
    let set = |text: &Text| !text.0.is_empty();
    (whole && there == [true, true] && set(&job.queue) && set(&job.name)).then_some(job)
}

/// A delay and a priority that no request changes.
fn check_numbers(decoder: &mut Decoder<'_>, table: &Table<'_>, job: &RouteJob) {
    if let Some(text) = job.delay.as_ref().and_then(Text::constant)
        && delay(text).is_none()
    {
        let what = format!("must be a duration, found {text:?}");
        let hint = "write \"30s\" or \"1h30m\", or milliseconds from a placeholder";
        refuse(decoder, table, "delay", fault(what, hint));
    }
    if let Some(text) = job.priority.as_ref().and_then(Text::constant) {
        let priority = text.parse::<u32>().ok();
        if priority.is_none_or(|priority| priority > PRIORITY_LIMIT) {
            let what = format!("must be a whole number up to {PRIORITY_LIMIT}, found {text:?}");
            let hint = "1 is first, 0 goes before all";
            refuse(decoder, table, "priority", fault(what, hint));
        }
    }
}

/// What names a delivery: as the route says, or as the scheme has it.
fn once(decoder: &mut Decoder<'_>, table: &Table<'_>, known: &Known<'_>) -> Option<Text> {
    if table.get("once").is_none() {
        let own = known.scheme.and_then(Scheme::once)?;
        return Text::read(Raw::Text(own)).ok();
    }
    let read = |raw: Raw<'_>| match value::boolean(raw) {
        Ok(false) => Ok(None),
        _ => match value::text(raw) {
            Ok(_) => Text::read(raw).map(Some),
            Err(_) => {
                let hint = "write \"{body.id}\", or false to let each request add a job";
                Err(raw.is_not("a template or false", hint))
            }
        },
    };
    let once = decoder.value(table, "once", read)??;
    known.check_text(decoder, table, "once", &once);
    if once.constant().is_some() {
        let same = fault(
            "has no placeholder: only the first request would add a job",
            "write \"{body.id}\" or \"{header.X-Id}\"",
        );
        refuse(decoder, table, "once", same);
    }
    Some(once)
}

fn check_answer(decoder: &mut Decoder<'_>, table: &Table<'_>, answer: &Answer) {
    if answer.status == 204 && answer.body.is_some() {
        let alone = fault(
            "stands beside status 204, which has none",
            "write status = 200",
        );
        refuse(decoder, table, "body", alone);
    }
    if answer.content_type.is_some() && answer.body.is_none() {
        refuse(decoder, table, "type", fault("needs `body`", "add `body`"));
    }
}

/// Whether the key is there.
fn required(decoder: &mut Decoder<'_>, table: &Table<'_>, key: &str) -> bool {
    let there = table.get(key).is_some();
    if !there {
        let missing = fault(format!("has no `{key}`"), format!("add `{key}`"));
        decoder.refuse(table.span.clone(), &table.path, missing);
    }
    there
}

/// Whether a server can find requests by this path.
fn path(decoder: &mut Decoder<'_>, table: &Table<'_>, path: &str) -> bool {
    if path.is_empty() {
        // It was refused.
        return false;
    }
    let result = check_path(path);
    if let Err(fault) = result {
        refuse_value(decoder, table, "path", fault);
        return false;
    }
    true
}

fn check_path(path: &str) -> Result<(), Fault> {
    let hint = "write \"/hooks/orders\" or \"/hooks/{shop}\"";
    if !path.starts_with('/') {
        return Err(fault(
            format!("must start with a slash, found {path:?}"),
            hint,
        ));
    }
    if let Some(odd) = path
        .chars()
        .find(|c| c.is_control() || c.is_whitespace() || !c.is_ascii() || "?#\\%*".contains(*c))
    {
        return Err(fault(
            format!("has {odd:?}, which is not part of a path here"),
            hint,
        ));
    }
    let mut seen: Vec<&str> = Vec::new();
    for segment in path[1..].split('/') {
        let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
        match name {
            Some(name) if name.is_empty() || name.contains(['{', '}', '.']) => {
                return Err(fault(
                    format!("has the parameter {segment:?} without a name"),
                    hint,
                ));
            }
            Some(name) if seen.contains(&name) => {
                return Err(fault(
                    format!("has the parameter {{{name}}} twice"),
                    "give each its own name",
                ));
            }
            Some(name) => seen.push(name),
            None if segment.contains(['{', '}']) => {
                return Err(fault(
                    format!("has {segment:?}: a parameter is a whole segment"),
                    hint,
                ));
            }
            None if segment.is_empty() || segment == "." || segment == ".." => {
                return Err(fault(
                    format!("has the segment {segment:?}, which clients leave out"),
                    hint,
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// The names of the parameters of a path.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// A path whose parameters have lost their names.
fn shape(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| match segment.starts_with('{') {
            true => "{}",
            false => segment,
        });
    segments.collect::<Vec<_>>().join("/")
}

/// A fault of a key.
fn refuse(decoder: &mut Decoder<'_>, table: &Table<'_>, key: &str, fault: Fault) {
    if let Some(Entry { key_span, .. }) = table.get(key) {
        let span = key_span.clone();
        decoder.refuse(span, &format!("{}.{key}", table.path), fault);
    }
}

/// A fault of a value.
fn refuse_value(decoder: &mut Decoder<'_>, table: &Table<'_>, key: &str, fault: Fault) {
    if let Some(Entry { span, .. }) = table.get(key) {
        let span = span.clone();
        decoder.refuse(span, &format!("{}.{key}", table.path), fault);
    }
}
