//! A job of a flow with its children, and theirs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ends::missing;
use crate::queue::JobKey;
use crate::verbs::{Error, Here, Kind, Result};

/// Jobs of one answer at most.
const MOST: usize = 1000;
/// Generations below the job at most.
const DEPTH: usize = 20;

/// A job of a flow, and those that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlowTree)]
pub struct Tree {
    /// Its queue.
    pub queue: String,
    /// Its id.
    pub id: String,
    /// Its name; null when it is gone.
    pub name: Option<String>,
    /// Where it is; `unknown` when it is gone.
    pub state: String,
    /// Its children.
    #[schema(no_recursion)]
    pub children: Vec<Tree>,
    /// Whether it has children that are not here: too many, too deep, or of queues that
    /// are not to be seen.
    pub more: bool,
}

/// A job and its children, so many generations of them. Jobs of queues that the caller
/// may not know of are left out.
///
/// # Errors
/// [`Kind::UnknownJob`], and [`Kind::InvalidRequest`] for too many generations.
pub async fn flow(here: &Here, queue: &str, id: &str, depth: usize) -> Result<Tree> {
    if depth > DEPTH {
        return Err(Error::refused(
            Kind::InvalidRequest,
            format!("a depth of {depth} generations; it is 0 to {DEPTH}"),
        ));
    }
    let top = JobKey {
        queue: queue.to_owned(),
        id: id.to_owned(),
    };
    let mut left = MOST;
    let tree = tree(here, top, depth, &mut left).await?;
    match tree.name {
        Some(_) => Ok(tree),
        None => Err(missing(&here.queue(queue), id).into()),
    }
}

async fn tree(here: &Here, job: JobKey, depth: usize, left: &mut usize) -> Result<Tree> {
    *left -= 1;
    let queue = here.queue(&job.queue);
    let found = queue.find(&job.id).await?;
    // One more than there is room for tells whether there are more.
    let asked = queue.children(&job.id, *left + 1).await?;
    let all = asked.len();
    let mut children = Vec::new();
    if depth > 0 {
        for child in asked
            .into_iter()
            .filter(|child| here.scope.covers(&child.queue))
        {
            if *left == 0 {
                break;
            }
            children.push(Box::pin(tree(here, child, depth - 1, left)).await?);
        }
    }
    Ok(Tree {
        queue: job.queue,
        id: job.id,
        state: found
            .as_ref()
            .map_or("unknown", |job| job.state.name())
            .to_owned(),
        name: found.map(|job| job.name),
        more: children.len() < all,
        children,
    })
}
