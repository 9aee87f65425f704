//! Flows: jobs that wait for their children, in the shape of BullMQ's `FlowProducer`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::bulk::read_at;
use super::fault::Fault;
use super::named;
use super::one::state_of;
use super::options::Options;
use crate::config;
use crate::queue::{self, FlowJob, Queue};

/// A job with its children, as BullMQ's `FlowProducer.add` takes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Flow {
    /// The queue.
    queue_name: String,
    /// The job's name; without one, the queue's default.
    #[serde(default)]
    name: Option<String>,
    /// The payload; `{}` without one.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// The options.
    #[serde(default)]
    opts: Options,
    /// The jobs it waits for.
    #[serde(default)]
    #[schema(no_recursion)]
    children: Vec<Flow>,
}

/// One flow, or several that are added together.
#[derive(Debug)]
pub struct Forest {
    flows: Vec<Flow>,
    /// Whether it was an array, so that the answer is one.
    pub is_array: bool,
}

impl Forest {
    /// Read a flow, or an array of them.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn read(text: &[u8]) -> Result<Forest, Fault> {
        let is_array = text.trim_ascii_start().first() == Some(&b'[');
        let flows = match is_array {
            true => read_at(text)?,
            false => vec![read_at(text)?],
        };
        Ok(Forest { flows, is_array })
    }

    /// The queues it adds to, each as often as it has jobs.
    pub fn queues(&self) -> Vec<&str> {
        fn visit<'a>(flow: &'a Flow, found: &mut Vec<&'a str>) {
            found.push(&flow.queue_name);
            flow.children.iter().for_each(|child| visit(child, found));
        }
        let mut found = Vec::new();
        self.flows.iter().for_each(|flow| visit(flow, &mut found));
        found
    }
}

/// A job of a flow that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowAdded {
    /// The job's id.
    pub job_id: String,
    /// Its queue.
    pub queue: String,
    /// Its name.
    pub name: String,
    /// Where it waits; a job whose id was known stays where it is.
    pub state: String,
    /// The jobs it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<FlowAdded>,
}

/// A job of the flow, before it is added.
struct Row {
    job: FlowJob,
    children: usize,
}

/// Flows whose jobs can be added.
#[derive(Debug)]
pub struct Planned {
    jobs: Vec<FlowJob>,
    /// How many children each has.
    children: Vec<usize>,
    flows: usize,
}

impl Planned {
    /// Check the jobs; `find` has the queues.
    ///
    /// # Errors
    /// Why they cannot be added; the place is one of the text.
    pub fn new(forest: Forest, find: Find<'_>) -> Result<Planned, Fault> {
        let mut rows = Vec::new();
        let flows = forest.flows.len();
        for (at, flow) in forest.flows.into_iter().enumerate() {
            let place = match forest.is_array {
                true => format!("/{at}"),
                false => String::new(),
            };
            plant(flow, None, place, find, &mut rows)?;
        }
        let (jobs, children) = rows.into_iter().map(|row| (row.job, row.children)).unzip();
        Ok(Planned {
            jobs,
            children,
            flows,
        })
    }

    /// Add them, all jobs or none.
    ///
    /// # Errors
    /// Why nothing is added.
    pub async fn add(self) -> Result<Vec<FlowAdded>, Fault> {
        let added = queue::add_flow(None, &self.jobs).await;
        let added = added.map_err(Fault::once_sent)?;
        // Only those of a running job can be lost.
        let ids = added.unwrap_or_default();
        let mut all = self.jobs.iter().zip(ids).zip(self.children);
        Ok((0..self.flows).filter_map(|_| grown(&mut all)).collect())
    }
}

/// A queue by its name, with its configuration.
type Find<'a> = &'a dyn Fn(&str) -> Result<(Queue, Arc<config::Queue>), Fault>;

/// Put a flow into the list: each parent before its children.
fn plant(
    flow: Flow,
    parent: Option<usize>,
    place: String,
    find: Find<'_>,
    rows: &mut Vec<Row>,
) -> Result<(), Fault> {
    let (queue, declared) = find(&flow.queue_name).map_err(|fault| match fault.pointer {
        None => fault.at(format!("{place}/queueName")),
        Some(_) => fault,
    })?;
    let name = named::name(&declared, flow.name.as_deref())
        .map_err(|fault| fault.at(format!("{place}/name")))?;
    let on_failure = flow.opts.on_failure();
    let on_failure = on_failure
        .and_then(|effect| match effect {
            Some(_) if parent.is_none() => Err(
                "the job has no parent in the flow that its failure could have an effect on"
                    .to_owned(),
            ),
            effect => Ok(effect),
        })
        .map_err(|text| Fault::invalid(text).at(format!("{place}/opts")))?;
    let data = flow
        .data
        .map_or_else(|| "{}".to_owned(), |data| data.get().to_owned());
    let job = flow.opts.job(name, data);
    if let Err(error) = job.check(queue.settings()) {
        let root = format!("{place}/data");
        let fault = Fault::of_job(error, &declared, &job, &root);
        return Err(match fault.pointer {
            None => fault.at(place),
            Some(_) => fault,
        });
    }
    let at = rows.len();
    rows.push(Row {
        job: FlowJob {
            queue,
            job,
            parent,
            on_failure,
        },
        children: flow.children.len(),
    });
    for (n, child) in flow.children.into_iter().enumerate() {
        plant(child, Some(at), format!("{place}/children/{n}"), find, rows)?;
    }
    Ok(())
}

/// The next job of the list, with its children, which follow it.
fn grown(all: &mut dyn Iterator<Item = ((&FlowJob, String), usize)>) -> Option<FlowAdded> {
    let ((of, job_id), children) = all.next()?;
    let state = match children {
        0 => state_of(&of.job).name(),
        _ => queue::State::WaitingChildren.name(),
    };
    Some(FlowAdded {
        job_id,
        queue: of.queue.name().to_owned(),
        name: of.job.name.clone(),
        state: state.to_owned(),
        children: (0..children).filter_map(|_| grown(all)).collect(),
    })
}
