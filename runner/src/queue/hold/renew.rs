//! Lock renewal: from an OS thread of its own with a runtime and a connection
//! of its own, so that neither guests nor other Redis calls delay it. The same
//! thread beats for the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::queue::attempt::{Attempt, Stop};
use crate::queue::handle::Queue;
use crate::queue::hold::heartbeat::{About, Dead, Heartbeat};
use crate::queue::wire::error::Error;
use crate::queue::wire::redis::Redis;
use crate::queue::wire::reply::{at, list};
use crate::queue::wire::script::script;
use crate::telemetry::limit::limited;

script!(RENEW, "renew", "hold/renew");

/// How often the lock of an attempt that takes longer is looked at. A guest whose
/// lock was lost works beside the one who took the job over.
const LOOK: Duration = Duration::from_secs(1);

/// Jobs of one queue that this process holds, from take to settle.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<HashMap<usize, Arc<Attempt>>>);

impl InFlight {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Arc<Attempt>>> {
        self.0.lock().expect("no panic while the table is held")
    }

    /// Enter an attempt.
    pub fn insert(&self, attempt: &Arc<Attempt>) {
        self.table()
            .insert(Arc::as_ptr(attempt) as usize, attempt.clone());
    }

    /// Strike attempts off.
    pub fn remove<'a>(&self, attempts: impl IntoIterator<Item = &'a Arc<Attempt>>) {
        let mut table = self.table();
        for attempt in attempts {
            table.remove(&(Arc::as_ptr(attempt) as usize));
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Attempt>> {
        self.table().values().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table().is_empty()
    }
}

impl Queue {
    /// Prolong the locks of these attempts in one call and stop those whose
    /// lock is no longer ours. Their number is returned.
    pub async fn renew(&self, attempts: &[Arc<Attempt>]) -> Result<usize, Error> {
        self.hold(attempts, self.settings().lock).await
    }

    /// Stop an attempt whose lock is no longer ours. False when it has ended
    /// already.
    pub(in crate::queue) async fn lose(&self, attempt: &Attempt) -> bool {
        let why = match self.is_gone(&attempt.job.id).await {
            Ok(true) => Stop::Removed,
            Ok(false) | Err(_) => Stop::LockLost,
        };
        attempt.stop(why)
    }

    /// The same as [`Queue::renew`], and with no time only look.
    async fn hold(&self, attempts: &[Arc<Attempt>], lock: Duration) -> Result<usize, Error> {
        let mut lost = 0;
        // Bounded, so that the script does not hold Redis for long.
        for some in attempts.chunks(1000) {
            let reply = RENEW
                .run(self.redis(), self.base(), |command| {
                    command.arg(lock.as_millis() as u64);
                    for attempt in some {
                        command.arg(&attempt.job.id).arg(&attempt.token);
                    }
                })
                .await?;
            let positions = list(reply);
            let gone = positions.iter().filter_map(|position| at(some, position));
            let stopped = gone.map(async |attempt| {
                // The lock of an ended attempt goes with its settle.
                if self.lose(attempt).await {
                    let what = match attempt.stopped() {
                        Some(Stop::Removed) => "the job was removed",
                        _ => "the lock was lost",
                    };
                    let (queue, job) = (self.name(), &attempt.job.id);
                    let about = format!("{queue}: {what}");
                    limited!(warn, &about, "{what}: the attempt is stopped", queue, job);
                    return 1;
                }
                0
            });
            lost += futures::future::join_all(stopped)
                .await
                .iter()
                .sum::<usize>();
        }
        Ok(lost)
    }
}

type Watched = Mutex<HashMap<String, (Queue, Arc<InFlight>)>>;

/// The thread that renews the locks of all queues of this process. It ends with
/// the last handle.
#[derive(Debug, Clone)]
pub struct Renewal {
    redis: Redis,
    watched: Arc<Watched>,
    heartbeat: Heartbeat,
}

impl Renewal {
    /// Start the thread; each lock is renewed at a third of `lock`, that of an
    /// attempt of more than a second is looked at every second, and the process
    /// beats as `runner`.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn start(redis: &Redis, lock: Duration, runner: &str) -> std::io::Result<Renewal> {
        let watched: Arc<Watched> = Arc::default();
        let weak = Arc::downgrade(&watched);
        let redis = redis.fork();
        let heartbeat = Heartbeat::new(redis.clone(), runner);
        let beating = heartbeat.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("runner-renew".to_owned())
            .spawn(move || {
                let renewing = async {
                    // A renewal, then looks that are no more than `LOOK` apart.
                    let third = lock / 3;
                    let looks = third.div_duration_f64(LOOK).ceil().max(1.0) as u32;
                    let mut tick = tokio::time::interval(third / looks);
                    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                    for round in (0..looks).cycle() {
                        tick.tick().await;
                        let Some(watched) = weak.upgrade() else {
                            return;
                        };
                        hold_all(&watched, round == 0).await;
                    }
                };
                runtime.block_on(async {
                    tokio::select! {
                        () = renewing => {}
                        () = beating.beat() => {}
                    }
                });
            })?;
        Ok(Renewal {
            redis,
            watched,
            heartbeat,
        })
    }

    /// Processes whose jobs go back; none before the first beat.
    pub fn dead(&self) -> watch::Receiver<Option<Arc<Dead>>> {
        self.heartbeat.dead()
    }

    /// When the first beat has told who died before: their jobs go before new
    /// ones. Redis may be slow; nobody waits for long.
    pub async fn settled_in(&self) {
        let mut dead = self.dead();
        let known = dead.wait_for(Option::is_some);
        let _ = tokio::time::timeout(Duration::from_secs(2), known).await;
    }

    /// What this process is, for those who list the runners; told with the next beat.
    pub fn describe(&self, about: &About) {
        let about = serde_json::to_string(about);
        self.heartbeat
            .describe(about.expect("own types serialise to JSON"));
    }

    /// This process ends and holds no job any more.
    ///
    /// # Errors
    /// When Redis cannot be told; others then find out by themselves.
    pub async fn leave(&self, redis: &Redis) -> Result<(), Error> {
        self.heartbeat.leave(redis).await
    }

    /// Renew the locks of this queue's jobs from now on.
    pub fn watch(&self, queue: &Queue, in_flight: Arc<InFlight>) {
        let mine = queue.over(self.redis.clone());
        self.watched
            .lock()
            .expect("no panic while the queues are held")
            .insert(queue.name().to_owned(), (mine, in_flight));
    }

    /// Stop renewing the locks of this queue's jobs.
    pub fn forget(&self, queue: &str) {
        self.watched
            .lock()
            .expect("no panic while the queues are held")
            .remove(queue);
    }
}

/// Renew all locks, or look at those of attempts that take long.
async fn hold_all(watched: &Watched, renew: bool) {
    let queues: Vec<_> = watched
        .lock()
        .expect("no panic while the queues are held")
        .values()
        .cloned()
        .collect();
    let rounds = queues.iter().map(|(queue, in_flight)| async move {
        let mut attempts = in_flight.all();
        if !renew {
            attempts.retain(|attempt| attempt.started.elapsed() >= LOOK);
        }
        if attempts.is_empty() {
            return;
        }
        let lock = match renew {
            true => queue.settings().lock,
            false => Duration::ZERO,
        };
        match queue.hold(&attempts, lock).await {
            Ok(_) => {}
            Err(error) => {
                limited!(warn, queue.name(), "locks could not be renewed", queue = queue.name(), %error)
            }
        }
    });
    futures::future::join_all(rounds).await;
}
