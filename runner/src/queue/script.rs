//! The Lua scripts: called by their digest, loaded when Redis does not know
//! them (first use, restart, `SCRIPT FLUSH`).

use std::sync::OnceLock;

use redis::{Cmd, ErrorKind, ServerErrorKind, Value};

use super::redis::{Error, Fault, Redis};

/// One script and the digest Redis gave it.
#[derive(Debug)]
pub(crate) struct Script {
    name: &'static str,
    source: &'static str,
    digest: OnceLock<String>,
}

/// A script is its files one after the other: first those of `scripts/lib` that
/// it builds on, each before the one that needs it.
macro_rules! script {
    ($constant:ident, $name:literal, $($file:literal),+) => {
        pub(crate) static $constant: Script = Script {
            name: $name,
            source: concat!($(include_str!(concat!("scripts/", $file, ".lua"))),+),
            digest: OnceLock::new(),
        };
    };
}

/// The script of the hot path; without gates it has no code for them.
macro_rules! settle {
    ($constant:ident, $name:literal, $gates:literal) => {
        script!(
            $constant,
            $name,
            "lib/text_of",
            "lib/resume/begin",
            "lib/queue",
            "lib/metrics",
            $gates,
            "lib/rarely/begin",
            "lib/keys",
            "lib/names",
            "lib/parents",
            "lib/deduplication",
            "lib/keep",
            "lib/quarantine",
            "lib/promote",
            "lib/put_back",
            "lib/dead_letter",
            "lib/move",
            "lib/limit",
            "lib/rarely/end",
            "settle",
            "take",
            "lib/resume/end"
        );
    };
}

/// A script that does nothing beside a key of the wrong type.
macro_rules! checked {
    ($constant:ident, $name:literal, $($file:literal),+) => {
        script!(
            $constant,
            $name,
            "lib/queue",
            "lib/troubles",
            "lib/text_of",
            "lib/keys",
            "lib/check",
            $($file),+
        );
    };
}

settle!(SETTLE, "settle", "lib/ungated");
settle!(SETTLE_GATED, "settle with gates", "lib/gates");
checked!(UNPARK, "unpark", "unpark");
checked!(
    FAIL,
    "fail",
    "lib/names",
    "lib/parents",
    "lib/deduplication",
    "lib/keep",
    "lib/erase",
    "lib/count_up",
    "lib/metrics",
    "fail"
);
script!(OLDEST, "oldest", "lib/queue", "oldest");
script!(RENEW, "renew", "renew");
script!(
    RECOVER,
    "recover",
    "lib/queue",
    "lib/troubles",
    "lib/text_of",
    "lib/keys",
    "lib/count_up",
    "recover"
);
script!(BEAT, "beat", "beat");
script!(
    REAP,
    "reap",
    "lib/queue",
    "lib/troubles",
    "lib/text_of",
    "lib/keys",
    "lib/count_up",
    "reap"
);
script!(NOTE, "note", "lib/queue", "note");
script!(WRITE, "write", "write");
script!(HELD, "held", "held");
script!(RIGHTS, "rights", "rights");
script!(ADD, "add", "lib/queue", "lib/deduplicate", "add");
checked!(FLOW, "flow", "lib/parents", "flow");
checked!(
    DISOWN,
    "disown",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "disown"
);
script!(CHILDREN, "children", "children");
checked!(BURY, "bury", "lib/dead_letter", "bury");
checked!(REPLAY, "replay", "replay");
checked!(PAUSE, "pause", "pause");
script!(BOUNDS, "bounds", "lib/queue", "bounds");
checked!(
    SWEEP,
    "sweep",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "sweep"
);
script!(CLEANED, "cleaned", "lib/queue", "cleaned");
checked!(OBLITERATE, "obliterate", "obliterate");
checked!(RETRY, "retry", "retry");
checked!(PROMOTE, "promote", "promote");
checked!(
    REMOVE,
    "remove",
    "lib/names",
    "lib/parents",
    "lib/keep",
    "lib/erase",
    "remove"
);
checked!(SCHEDULE, "schedule", "lib/scheduler", "schedule");
script!(
    SCHEDULERS,
    "schedulers",
    "lib/queue",
    "lib/scheduler",
    "schedulers"
);
checked!(ARM, "arm", "lib/scheduler", "arm");
checked!(UNSCHEDULE, "unschedule", "lib/scheduler", "unschedule");

/// Those that `runner serve` runs of itself.
pub(super) static SERVING: [&Script; 18] = [
    &SETTLE_GATED,
    &UNPARK,
    &FAIL,
    &OLDEST,
    &RENEW,
    &RECOVER,
    &BEAT,
    &REAP,
    &NOTE,
    &WRITE,
    &HELD,
    &ADD,
    &FLOW,
    &BURY,
    &REMOVE,
    &SCHEDULE,
    &SCHEDULERS,
    &ARM,
];

impl Script {
    /// Name, for messages.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The commands it calls by name.
    pub(super) fn commands(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.source.split("call('").skip(1);
        parts
            .chain(self.source.split("try('").skip(1))
            .filter_map(|rest| {
                let (name, _) = rest.split_once('\'')?;
                Some(name)
            })
    }

    /// Make sure that the next run is one message, which nothing sent later can
    /// overtake.
    pub(crate) async fn prepare(&self, redis: &Redis) -> Result<(), Error> {
        if self.digest.get().is_none() {
            self.load(redis).await?;
        }
        Ok(())
    }

    /// Run the script; `arguments` adds what follows the one key.
    pub(crate) async fn run(
        &self,
        redis: &Redis,
        key: &str,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Value, Error> {
        let digest = match self.digest.get() {
            Some(digest) => digest,
            None => self.load(redis).await?,
        };
        let mut command = redis::cmd("EVALSHA");
        command.arg(digest).arg(1).arg(key);
        arguments(&mut command);
        for first in [true, false] {
            match redis.call_raw(&command).await {
                Ok(value) => return Ok(value),
                Err(Fault::Known(error)) => return Err(error),
                Err(Fault::Redis(error)) => {
                    let unknown =
                        matches!(error.kind(), ErrorKind::Server(ServerErrorKind::NoScript));
                    if !(first && unknown) {
                        return Err(redis.explain(&error));
                    }
                    self.load(redis).await?;
                }
            }
        }
        Err(Error::Answer(self.name))
    }

    async fn load(&self, redis: &Redis) -> Result<&str, Error> {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.source);
        match redis.call(&command).await? {
            Value::BulkString(digest) => {
                let digest = String::from_utf8(digest).map_err(|_| Error::Answer("SCRIPT LOAD"))?;
                Ok(self.digest.get_or_init(|| digest))
            }
            Value::SimpleString(digest) => Ok(self.digest.get_or_init(|| digest)),
            _ => Err(Error::Answer("SCRIPT LOAD")),
        }
    }
}
