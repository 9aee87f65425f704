//! The names of the jobs that events are about, which BullMQ does not tell.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use futures::future::join_all;

use crate::queue::{Field, Happening, Queue};

/// Names that are remembered.
const MOST: usize = 10_000;

/// Something that happened.
#[derive(Debug)]
pub(in crate::api) struct Told {
    pub(in crate::api) happening: Happening,
    /// The name of the job, if it is known.
    pub(in crate::api) name: Option<Arc<str>>,
    /// As it is sent, once it has been: as it is, and covered.
    pub(super) sent: [OnceLock<Bytes>; 2],
}

/// Names of jobs by their queues and ids.
#[derive(Default)]
pub(super) struct Names(HashMap<(Arc<str>, String), Arc<str>>);

impl Names {
    /// Find out the name of each job of the queues that are wanted: as it was told when
    /// the job was added, else as it is stored.
    pub(super) async fn tell(
        &mut self,
        queues: &HashMap<Arc<str>, Queue>,
        wanted: &HashSet<Arc<str>>,
        events: Vec<Happening>,
    ) -> Vec<Told> {
        if self.0.len() > MOST {
            self.0.clear();
        }
        let mut unknown = HashSet::new();
        for event in &events {
            let Some(job) = event.job.as_ref().filter(|_| wanted.contains(&event.queue)) else {
                continue;
            };
            let key = (event.queue.clone(), job.clone());
            match event.field("name") {
                Some(name) if event.event == "added" => {
                    self.0.insert(key, name.into());
                }
                _ if !self.0.contains_key(&key) => {
                    unknown.insert(key);
                }
                _ => {}
            }
        }
        unknown.retain(|key| !self.0.contains_key(key));
        let found = join_all(unknown.into_iter().map(async |key| {
            let queue = queues.get(&key.0)?;
            let found = queue.fields(&key.1, &[Field::Name]).await.ok().flatten()?;
            Some((key, Arc::from(found.name)))
        }));
        let found = found.await;
        self.0.extend(found.into_iter().flatten());
        let told = events.into_iter().map(|happening| {
            let job = happening.job.as_ref();
            let name = job.and_then(|job| self.0.get(&(happening.queue.clone(), job.clone())));
            Told {
                name: name.cloned(),
                happening,
                sent: Default::default(),
            }
        });
        told.collect()
    }
}
