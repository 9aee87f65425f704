//! A host for tests that run on your machine, without Runner and without Wasm.
//!
//! ```
//! use runner_sdk::prelude::*;
//! use runner_sdk::testing::{self, Reply};
//!
//! fn weather(_: Job) -> Result<String> {
//!     let response = http::get("https://api.example.com/weather").send()?;
//!     Ok(response.error_for_status()?.text())
//! }
//!
//! let host = testing::Host::new();
//! host.reply("GET", "https://api.example.com/weather", Reply::text(200, "rain"));
//! let result = weather(testing::job("weather", "{}"));
//! assert_eq!(result, Ok("rain".to_owned()));
//! ```
//!
//! A host belongs to its thread, as each test does. It knows no grants and no
//! limits; those are Runner's, and `runner run` tries a component under them.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::bindings::runner::plugin as wit;
use crate::{Job, http, log, queue};

mod blobs;
pub(crate) mod imports;
mod kv;
mod sql;

pub use sql::{Asked, Outcome};

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<State>>>> = const { RefCell::new(None) };
}

/// What the host was told and what it was asked.
#[derive(Default)]
struct State {
    current: Option<Job>,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    replies: VecDeque<(String, Reply)>,
    requests: Vec<Sent>,
    logs: Vec<Line>,
    progress: Vec<Value>,
    added: Vec<Added>,
    refuse_adds: Option<queue::Error>,
    checkpoints: BTreeMap<String, Value>,
    updates: Vec<Value>,
    children_values: BTreeMap<String, Value>,
    ignored_failures: BTreeMap<String, String>,
    failed_children: Vec<String>,
    /// How many of `added` were there when the children were removed.
    disowned: usize,
    sql: sql::State,
    kv: kv::State,
    blobs: blobs::State,
}

/// The host of this thread, until it is dropped.
///
/// When it is dropped, replies and statements that were never asked for fail the test.
#[must_use = "without a host every call fails"]
pub struct Host(Rc<RefCell<State>>);

/// A canned reply to one request.
#[derive(Debug, Clone)]
pub struct Reply(Result<wit::http::Response, http::Error>);

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// `GET`, `POST`, …
    pub method: String,
    /// The URL.
    pub url: String,
    /// In the order given.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Vec<u8>,
    /// The timeout, in milliseconds.
    pub timeout: Option<u32>,
    /// Whether the host was asked for an idempotency key.
    pub idempotent: bool,
}

/// A line of the job's log; prints as message and fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How important it is.
    pub level: log::Level,
    /// The text.
    pub message: String,
    /// In the order given.
    pub fields: Vec<(String, String)>,
}

/// A job that was added.
#[derive(Debug, Clone)]
pub struct Added {
    /// Where to.
    pub queue: String,
    /// Its name.
    pub name: String,
    /// Its payload.
    pub data: Value,
    /// The options given.
    pub options: wit::queue::Options,
    /// What it is a child of.
    pub parent: Parent,
    /// What its failure does to its parent.
    pub on_failure: Option<wit::queue::ChildFailure>,
}

/// What an added job is a child of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// Of nothing.
    None,
    /// Of the job being worked on.
    Current,
    /// Of the job at this place of [`Host::added`].
    Added(usize),
}

/// A job with id `1` of the queue `test`, added just now, in the first of its three
/// attempts. Its fields can be changed.
pub fn job(name: &str, json: impl Into<String>) -> Job {
    let now = SystemTime::now();
    Job {
        id: "1".into(),
        queue: "test".into(),
        name: name.into(),
        json: json.into(),
        attempt: 1,
        max_attempts: 3,
        added_at: now,
        started_at: now,
        priority: 0,
        delay: Duration::ZERO,
        request_id: None,
        parent: None,
    }
}

impl Host {
    /// A host that answers this thread from now on, without settings, secrets or
    /// replies.
    ///
    /// # Panics
    /// When the thread already has one.
    #[expect(
        clippy::new_without_default,
        reason = "it installs itself, which no default should"
    )]
    pub fn new() -> Self {
        let state = Rc::<RefCell<State>>::default();
        CURRENT.with_borrow_mut(|current| {
            assert!(current.is_none(), "this thread has a testing::Host already");
            *current = Some(state.clone());
        });
        Host(state)
    }

    /// The job that [`Job::current`] gives; without it [`job`] of the name `test`
    /// and no payload.
    pub fn current(&self, job: Job) {
        self.0.borrow_mut().current = Some(job);
    }

    /// Give the plugin a setting.
    pub fn setting(&self, key: &str, value: impl Into<String>) {
        self.0
            .borrow_mut()
            .settings
            .insert(key.into(), value.into());
    }

    /// Grant the plugin a secret.
    pub fn secret(&self, name: &str, value: impl Into<String>) {
        self.0
            .borrow_mut()
            .secrets
            .insert(name.into(), value.into());
    }

    /// Answer one request. Several replies to the same URL are given in order.
    pub fn reply(&self, method: &str, url: &str, reply: Reply) {
        self.0
            .borrow_mut()
            .replies
            .push_back((format!("{method} {url}"), reply));
    }

    /// A child of the job has completed with this value.
    pub fn child_completed(&self, key: &str, value: Value) {
        self.0
            .borrow_mut()
            .children_values
            .insert(key.into(), value);
    }

    /// A child of the job has failed without failing the job.
    pub fn child_ignored(&self, key: &str, reason: &str) {
        let failures = &mut self.0.borrow_mut().ignored_failures;
        failures.insert(key.into(), reason.into());
    }

    /// A child of the job has failed, and the job fails with it.
    pub fn child_failed(&self, key: &str) {
        self.0.borrow_mut().failed_children.push(key.into());
    }

    /// Refuse every job that is added from now on.
    pub fn refuse_adds(&self, error: queue::Error) {
        self.0.borrow_mut().refuse_adds = Some(error);
    }

    /// Accept jobs again from now on.
    pub fn accept_adds(&self) {
        self.0.borrow_mut().refuse_adds = None;
    }

    /// The requests sent so far.
    pub fn requests(&self) -> Vec<Sent> {
        self.0.borrow().requests.clone()
    }

    /// The lines logged so far.
    pub fn logs(&self) -> Vec<Line> {
        self.0.borrow().logs.clone()
    }

    /// The progress reported so far, as BullMQ stores it.
    pub fn progress(&self) -> Vec<Value> {
        self.0.borrow().progress.clone()
    }

    /// The jobs added so far.
    pub fn added(&self) -> Vec<Added> {
        self.0.borrow().added.clone()
    }

    /// The finished steps. They stay, as they do between attempts.
    pub fn checkpoints(&self) -> BTreeMap<String, Value> {
        self.0.borrow().checkpoints.clone()
    }

    /// The payloads stored with `Job::update_data`.
    pub fn updates(&self) -> Vec<Value> {
        self.0.borrow().updates.clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        CURRENT.set(None);
        if std::thread::panicking() {
            return;
        }
        let state = self.0.borrow();
        let unasked: Vec<_> = state.replies.iter().map(|(to, _)| to.as_str()).collect();
        assert!(
            unasked.is_empty(),
            "these requests were expected and not sent: {unasked:?}"
        );
        let unrun = state.sql.unrun();
        assert!(
            unrun.is_empty(),
            "these statements were expected and not run: {unrun:?}"
        );
    }
}

impl Reply {
    /// JSON content.
    pub fn json(status: u16, content: Value) -> Self {
        Self::text(status, content.to_string()).header("content-type", "application/json")
    }

    /// Any content.
    pub fn text(status: u16, content: impl Into<Vec<u8>>) -> Self {
        let body = content.into();
        Reply(Ok(wit::http::Response {
            status,
            headers: vec![],
            body,
            url: String::new(),
        }))
    }

    /// An error instead of a response.
    pub fn error(error: http::Error) -> Self {
        Reply(Err(error))
    }

    /// Add a header field.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Ok(response) = &mut self.0 {
            response
                .headers
                .push((name.to_ascii_lowercase(), value.into()));
        }
        self
    }
}

impl Sent {
    /// The first header field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http::first(&self.headers, name)
    }

    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The content as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the content is not JSON: {error}: {}", self.text()))
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.fields
            .iter()
            .try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}
