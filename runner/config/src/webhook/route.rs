//! `[[routes]]`: requests that become jobs.

use std::fmt;
use std::time::Duration;

use super::template::{Form, Text};
use super::verify::Verify;
use runner_text::units;

/// One `[[routes]]`: a request to its path becomes a job or a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// `/hooks/{shop}`: a name in braces is a parameter.
    pub path: String,
    /// Defaults to POST.
    pub method: Method,
    /// How a request proves who has sent it.
    pub verify: Verify,
    /// The job; its children are the rest of a flow.
    pub job: RouteJob,
    /// What names a delivery: a second one with the same text adds nothing.
    pub once: Option<Text>,
    /// For how long it is remembered. Defaults to three days, for which Stripe tries
    /// again.
    pub once_for: Duration,
    /// How the body is read.
    pub format: Format,
    /// A larger body is refused. Defaults to 1 MiB.
    pub max_body: usize,
    /// What is answered when the job is there.
    pub answer: Answer,
}

/// `POST /hooks/{shop}`
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.name(), self.path)
    }
}

/// What nobody set; the path and the queue are always set.
impl Default for Route {
    fn default() -> Self {
        Self {
            path: String::new(),
            method: Method::Post,
            verify: Verify::default(),
            job: RouteJob::default(),
            once: None,
            once_for: Duration::from_secs(3 * 86_400),
            format: Format::Auto,
            max_body: 1 << 20,
            answer: Answer::default(),
        }
    }
}

/// A job that a request becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteJob {
    /// A queue of the file.
    pub queue: Text,
    /// The job's name.
    pub name: Text,
    /// Its id; Redis counts if there is none.
    pub id: Option<Text>,
    /// Milliseconds, or a duration such as `5m`.
    pub delay: Option<Text>,
    /// From 1, which is first; 0 goes before all.
    pub priority: Option<Text>,
    /// Defaults to the whole body.
    pub payload: Form,
    /// What the failure of this child does to its parent, as BullMQ names it:
    /// `fail`, `continue`, `ignore`, `remove`. `None`: the parent waits.
    pub on_failure: Option<OnFailure>,
    /// Jobs that it waits for.
    pub children: Vec<RouteJob>,
}

impl Default for RouteJob {
    fn default() -> Self {
        Self {
            queue: Text::default(),
            name: Text::default(),
            id: None,
            delay: None,
            priority: None,
            payload: Form::body(),
            on_failure: None,
            children: Vec::new(),
        }
    }
}

impl RouteJob {
    /// It and all jobs below it, each before its children.
    pub fn all(&self) -> Vec<&RouteJob> {
        let below = self.children.iter().flat_map(RouteJob::all);
        std::iter::once(self).chain(below).collect()
    }
}

/// What the failure of a child does to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The parent fails (`failParentOnFailure`).
    Fail,
    /// The parent runs at once (`continueParentOnFailure`).
    Continue,
    /// The parent runs when the others are done (`ignoreDependencyOnFailure`).
    Ignore,
    /// The same, and the child is forgotten (`removeDependencyOnFailure`).
    Remove,
}

impl OnFailure {
    pub(crate) const ALL: [OnFailure; 4] = [
        OnFailure::Fail,
        OnFailure::Continue,
        OnFailure::Ignore,
        OnFailure::Remove,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            OnFailure::Fail => "fail",
            OnFailure::Continue => "continue",
            OnFailure::Ignore => "ignore",
            OnFailure::Remove => "remove",
        }
    }
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    pub(crate) const ALL: [Method; 5] = [
        Method::Get,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
    ];

    /// As it is sent.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As a form if its `Content-Type` says so, else as JSON.
    Auto,
    /// As JSON.
    Json,
    /// As `application/x-www-form-urlencoded`.
    Form,
    /// As one text.
    Text,
}

impl Format {
    pub(crate) const ALL: [Format; 4] = [Format::Auto, Format::Json, Format::Form, Format::Text];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Format::Auto => "auto",
            Format::Json => "json",
            Format::Form => "form",
            Format::Text => "text",
        }
    }
}

/// What is answered when the job is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status. Defaults to 202, Accepted.
    pub status: u16,
    /// The body: a text as it is, anything else as JSON. By default what was added.
    pub body: Option<String>,
    /// `Content-Type` of `body`.
    pub content_type: Option<String>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 202,
            body: None,
            content_type: None,
        }
    }
}

/// A delay as a template gives it: milliseconds, or a duration such as `5m`.
pub fn delay(text: &str) -> Option<Duration> {
    let milliseconds = text.parse().ok().map(Duration::from_millis);
    milliseconds.or_else(|| units::read_duration(text))
}
