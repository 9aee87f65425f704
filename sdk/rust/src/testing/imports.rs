//! The host's functions, with the signatures of the generated bindings,
//! answered by the [`Host`](super::Host) of the thread.

use serde_json::Value;

use super::{CURRENT, State};

pub(crate) use super::blobs::imports as blobs;
pub(crate) use super::kv::imports as kv;
pub(crate) use super::sql::imports as sql;

/// Ask the host of this thread.
pub(super) fn with<T>(ask: impl FnOnce(&mut State) -> T) -> T {
    let current = CURRENT.with_borrow(Clone::clone);
    let state = current.expect("a plugin is tested with a testing::Host in scope");
    ask(&mut state.borrow_mut())
}

/// Text that the SDK wrote as JSON itself.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON: {error}: {text}"))
}

pub(crate) mod job {
    use super::{json, with};
    use crate::bindings::runner::plugin::job::DependencyCounts;
    use crate::testing::Parent;

    pub(crate) fn current() -> crate::Job {
        let job = with(|state| state.current.clone());
        job.unwrap_or_else(|| crate::testing::job("test", "{}"))
    }

    pub(crate) fn update_data(data: &str) -> Result<(), String> {
        with(|state| state.updates.push(json(data)));
        Ok(())
    }

    pub(crate) fn children_values() -> Result<Vec<(String, String)>, String> {
        let text = |(key, value): (&String, &serde_json::Value)| (key.clone(), value.to_string());
        with(|state| Ok(state.children_values.iter().map(text).collect()))
    }

    pub(crate) fn ignored_failures() -> Result<Vec<(String, String)>, String> {
        with(|state| Ok(state.ignored_failures.clone().into_iter().collect()))
    }

    pub(crate) fn failed_children() -> Result<Vec<String>, String> {
        with(|state| Ok(state.failed_children.clone()))
    }

    /// The children that were added are not done.
    pub(crate) fn dependencies() -> Result<DependencyCounts, String> {
        with(|state| {
            let children = state.added[state.disowned..].iter();
            let children = children.filter(|job| job.parent == Parent::Current);
            Ok(DependencyCounts {
                processed: state.children_values.len() as u64,
                unprocessed: children.count() as u64,
                failed: state.failed_children.len() as u64,
                ignored: state.ignored_failures.len() as u64,
            })
        })
    }

    /// Those added so far count no more; [`Host::added`](crate::testing::Host::added)
    /// still tells of them.
    pub(crate) fn remove_unprocessed_children() -> Result<(), String> {
        with(|state| state.disowned = state.added.len());
        Ok(())
    }

    /// Runner's default timeout.
    pub(crate) fn time_left() -> u64 {
        30_000
    }
}

pub(crate) mod log {
    use super::with;
    use crate::bindings::runner::plugin::log as wit;
    use crate::log::Level;
    use crate::testing::Line;

    pub(crate) fn write(level: wit::Level, message: &str, fields: &[(String, String)]) {
        let level = match level {
            wit::Level::Trace => Level::Trace,
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        let line = Line {
            level,
            message: message.into(),
            fields: fields.to_vec(),
        };
        with(|state| state.logs.push(line));
    }
}

pub(crate) mod progress {
    use serde_json::json;

    use super::with;

    pub(crate) fn set(percent: f64, message: Option<&str>) {
        let percent = percent.clamp(0.0, 100.0);
        let value = match message {
            Some(message) => json!({ "percent": percent, "message": message }),
            None => json!(percent),
        };
        with(|state| state.progress.push(value));
    }

    pub(crate) fn set_json(value: &str) {
        with(|state| state.progress.push(super::json(value)));
    }
}

pub(crate) mod http {
    use super::with;
    use crate::bindings::runner::plugin::http as wit;
    use crate::http::Error;
    use crate::testing::{Reply, Sent};

    /// Fails with the SDK's error, which is what a test replies with.
    pub(crate) fn send(request: &wit::Request) -> Result<wit::Response, Error> {
        let Reply(reply) = with(|state| {
            state.requests.push(Sent {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: request.headers.clone(),
                body: request.body.clone().unwrap_or_default(),
                timeout: request.timeout,
                idempotent: request.idempotent,
            });
            let to = format!("{} {}", request.method, request.url);
            match state
                .replies
                .iter()
                .position(|(expected, _)| *expected == to)
            {
                Some(at) => state.replies.remove(at).map(|(_, reply)| reply),
                None => None,
            }
            .unwrap_or_else(|| {
                let expected: Vec<_> = state.replies.iter().map(|(to, _)| to).collect();
                panic!("no reply for {to}; expected: {expected:?}")
            })
        });
        let mut response = reply?;
        response.url.clone_from(&request.url);
        Ok(response)
    }
}

pub(crate) mod config {
    use super::with;

    pub(crate) fn get(key: &str) -> Option<String> {
        with(|state| state.settings.get(key).cloned())
    }

    pub(crate) fn get_all() -> Vec<(String, String)> {
        with(|state| state.settings.clone().into_iter().collect())
    }

    pub(crate) fn secret(name: &str) -> Option<String> {
        with(|state| state.secrets.get(name).cloned())
    }
}

pub(crate) mod queue {
    use super::{json, with};
    use crate::bindings::runner::plugin::queue as wit;
    use crate::queue::Error;
    use crate::testing::{Added, Parent};

    pub(crate) fn add(queue: &str, job: &wit::NewJob) -> Result<String, Error> {
        push(queue, job, Parent::None, None)
    }

    fn push(
        queue: &str,
        job: &wit::NewJob,
        parent: Parent,
        on_failure: Option<wit::ChildFailure>,
    ) -> Result<String, Error> {
        with(|state| {
            if let Some(error) = &state.refuse_adds {
                return Err(error.clone());
            }
            state.added.push(Added {
                queue: queue.into(),
                name: job.name.clone(),
                data: json(&job.data),
                options: job.options.clone(),
                parent,
                on_failure,
            });
            let id = || state.added.len().to_string();
            Ok(job.options.id.clone().unwrap_or_else(id))
        })
    }

    pub(crate) fn add_flow(jobs: &[wit::FlowJob]) -> Result<Vec<String>, Error> {
        add_tree(jobs, Parent::None)
    }

    pub(crate) fn add_children(jobs: &[wit::FlowJob]) -> Result<Vec<String>, Error> {
        add_tree(jobs, Parent::Current)
    }

    fn add_tree(jobs: &[wit::FlowJob], above: Parent) -> Result<Vec<String>, Error> {
        let first = with(|state| state.added.len());
        jobs.iter()
            .map(|of| {
                let parent = of.parent.map(|at| Parent::Added(first + at as usize));
                push(&of.queue, &of.job, parent.unwrap_or(above), of.on_failure)
            })
            .collect()
    }

    pub(crate) fn add_bulk(queue: &str, jobs: &[wit::NewJob]) -> Result<Vec<String>, Error> {
        jobs.iter().map(|job| add(queue, job)).collect()
    }
}

pub(crate) mod checkpoint {
    use super::{json, with};

    pub(crate) fn get(step: &str) -> Option<String> {
        with(|state| state.checkpoints.get(step).map(ToString::to_string))
    }

    pub(crate) fn put(step: &str, value: &str) -> Result<(), String> {
        with(|state| state.checkpoints.insert(step.into(), json(value)));
        Ok(())
    }
}
