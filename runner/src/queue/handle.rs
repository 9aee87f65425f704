//! A queue: its settings, its connection, the names of its keys. The rooms add the
//! verbs.

use std::sync::Arc;

use redis::Value;

use crate::queue::settings::Settings;
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::texts;
use crate::queue::wire::token::Holder;
use crate::queue::wire::wake::Wake;
use crate::telemetry::limit::limited;

#[derive(Debug)]
struct Inner {
    redis: Redis,
    settings: Settings,
    /// What all keys of the queue begin with: `bull:orders:`.
    base: String,
}

/// One queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

impl Queue {
    /// A queue of this Redis; on a Cluster, on the node that has its keys.
    pub fn new(redis: Redis, settings: Settings) -> Queue {
        let redis = redis.at(&settings.name);
        let base = format!("{}:{}:", redis.prefix(), settings.name);
        Queue(Arc::new(Inner {
            redis,
            settings,
            base,
        }))
    }

    /// Name without prefix.
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// What the engine knows about the queue.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The connection.
    pub fn redis(&self) -> &Redis {
        &self.0.redis
    }

    /// The same queue over other connections.
    pub(crate) fn over(&self, redis: Redis) -> Queue {
        Queue::new(redis, self.0.settings.clone())
    }

    /// Refuse what a script would have to do with both queues when they are in
    /// different slots of a Cluster.
    pub(in crate::queue) fn reaches(&self, other: &Queue) -> Result<(), Error> {
        match self.redis().reaches(other.redis()) {
            true => Ok(()),
            false => Err(Error::Invalid(format!(
                "the queues {:?} and {:?} are in different slots of the Cluster; give both the \
                 same {{tag}}",
                self.name(),
                other.name()
            ))),
        }
    }

    /// What all keys of the queue begin with, which the scripts are given.
    pub(in crate::queue) fn base(&self) -> &str {
        &self.0.base
    }

    /// The same of another queue beside it.
    pub(in crate::queue) fn beside(&self, queue: &str) -> String {
        format!("{}:{queue}:", self.0.redis.prefix())
    }

    /// This process, as the locks of its jobs name it.
    pub(in crate::queue) fn holder(&self) -> Holder<'_> {
        Holder {
            runner: &self.0.settings.runner,
            boot: self.0.redis.boot(),
        }
    }

    /// A key of the queue.
    pub(in crate::queue) fn key(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.0.base)
    }

    /// Tell what a script of ours found in Redis and mended.
    pub(in crate::queue) fn tell_mended(&self, troubles: Value) {
        for trouble in texts(troubles) {
            let about = format!("{}: {trouble}", self.name());
            limited!(
                error,
                &about,
                "the queue was mended",
                queue = self.name(),
                trouble
            );
        }
    }

    /// Ask to be woken when there is work.
    pub(crate) fn enter_markers(&self) -> Arc<Wake> {
        let wake = self.0.redis.markers().enter(&self.key("marker"));
        self.0.redis.entered();
        wake
    }

    /// Say whether the queue wants work.
    pub(crate) fn arm(&self, wake: &Wake, armed: bool) {
        self.0.redis.markers().arm(wake, armed);
    }

    /// Stop waiting for work.
    pub(crate) fn leave_markers(&self) {
        self.0.redis.markers().leave(&self.key("marker"));
    }

    /// Give a wake-up that could not be used to somebody else.
    pub(crate) async fn pass_on(&self) -> Result<(), Error> {
        let mut command = redis::cmd("ZADD");
        command.arg(self.key("marker")).arg(0).arg("0");
        self.0.redis.call(&command).await.map(drop)
    }
}
