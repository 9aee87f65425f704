//! What a producer wants to know of its job. Lookups of concurrent callers share calls.

use std::sync::Arc;

use redis::Value;

use crate::queue::handle::Queue;
use crate::queue::stored::options;
use crate::queue::stored::state::State;
use crate::queue::wire::error::Error;
use crate::queue::wire::gather::Gather;
use crate::queue::wire::reply::{list, text};
use crate::queue::wire::script::script;

script!(BRIEF, "brief", "look/brief");

/// Jobs in one call, each some microseconds of Redis.
const CALL: usize = 200;

/// A job in brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Name.
    pub name: String,
    /// Where it is. One in the middle of a list of thousands counts as waiting there.
    pub state: State,
    /// Payload, as the producer stored it.
    pub data: String,
    /// Attempts that have ended.
    pub attempts_made: u32,
    /// Attempts in all.
    pub attempts: u32,
    /// `timestamp`: added, ms since 1970.
    pub added_at: u64,
    /// `processedOn`: last start, ms since 1970.
    pub processed_on: Option<u64>,
    /// `finishedOn`: end, ms since 1970.
    pub finished_on: Option<u64>,
    /// `progress`, JSON text.
    pub progress: Option<String>,
    /// `returnvalue`, JSON text.
    pub returnvalue: Option<String>,
    /// `failedReason` of the last failure.
    pub failed_reason: Option<String>,
}

/// Looks up jobs of one queue. Cheap to clone; all clones share calls.
#[derive(Debug, Clone)]
pub struct Finder(Arc<Inner>);

type Found = Result<Option<Brief>, Error>;

#[derive(Debug)]
struct Inner {
    queue: Queue,
    line: Gather<String, Found>,
}

impl Finder {
    /// Nothing is asked yet.
    pub fn new(queue: Queue) -> Finder {
        let line = Gather::new();
        Finder(Arc::new(Inner { queue, line }))
    }

    /// A job by its id, if there is one.
    ///
    /// # Errors
    /// Those of Redis.
    pub async fn find(&self, id: &str) -> Found {
        let (answered, carries) = self.0.line.ask(id.to_owned());
        if carries {
            tokio::spawn(carry(self.0.clone()));
        }
        // Everybody is answered, unless the runtime ends.
        answered.await.unwrap_or(Err(Error::Answer(BRIEF.name())))
    }
}

async fn carry(of: Arc<Inner>) {
    let next = || {
        let mut count = 0;
        of.line.next(|_| {
            count += 1;
            count <= CALL
        })
    };
    while let Some((ids, answers)) = next() {
        let briefs: Vec<Found> = match look(&of.queue, &ids).await {
            Ok(briefs) => briefs.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error); ids.len()],
        };
        for (answer, brief) in answers.into_iter().zip(briefs) {
            let _ = answer.send(brief);
        }
    }
}

async fn look(queue: &Queue, ids: &[String]) -> Result<Vec<Option<Brief>>, Error> {
    let ask = |command: &mut redis::Cmd| {
        command.arg(ids);
    };
    let reply = list(BRIEF.run(queue.redis(), queue.base(), ask).await?);
    match reply.len() == ids.len() {
        true => Ok(reply.into_iter().map(Brief::read).collect()),
        false => Err(Error::Answer(BRIEF.name())),
    }
}

impl Brief {
    fn read(reply: Value) -> Option<Brief> {
        let mut fields = list(reply).into_iter().map(text);
        let mut next = || fields.next().flatten();
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let options = next().unwrap_or_default();
        Some(Brief {
            attempts: options::decode(&options).map_or(1, |options| options.attempts),
            name: next()?,
            data: next().unwrap_or_default(),
            attempts_made: number(next()).map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            added_at: number(next()).unwrap_or_default(),
            processed_on: number(next()),
            finished_on: number(next()),
            progress: next(),
            returnvalue: next(),
            failed_reason: next(),
            state: next()?.parse().unwrap_or(State::Unknown),
        })
    }
}
