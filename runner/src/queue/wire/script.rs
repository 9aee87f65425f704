//! The Lua scripts: called by their digest, loaded when Redis does not know
//! them (first use, restart, `SCRIPT FLUSH`).

use std::sync::OnceLock;

use redis::{Cmd, ErrorKind, ServerErrorKind, Value};

use crate::queue::wire::error::{Error, Fault};
use crate::queue::wire::redis::Redis;
use crate::queue::wire::shared::filled;

/// One script and the digest Redis gave it.
#[derive(Debug)]
pub(crate) struct Script {
    name: &'static str,
    source: &'static str,
    digest: OnceLock<String>,
}

/// A script is its files one after the other, by their paths from `queue/`: first
/// those of `lib` that it builds on, each before the one that needs it.
macro_rules! script {
    ($constant:ident, $name:literal, $($file:literal),+ $(,)?) => {
        pub(in crate::queue) static $constant: $crate::queue::wire::script::Script =
            $crate::queue::wire::script::Script::new(
                $name,
                concat!($(include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/src/queue/", $file, ".lua"
                ))),+),
            );
    };
}
pub(in crate::queue) use script;

/// A script that does nothing beside a key of the wrong type.
macro_rules! checked {
    ($constant:ident, $name:literal, $($file:literal),+ $(,)?) => {
        $crate::queue::wire::script::script!(
            $constant,
            $name,
            "lib/queue",
            "lib/troubles",
            "lib/text_of",
            "lib/keys",
            "lib/check",
            "lib/enqueue",
            "lib/remove",
            $($file),+
        );
    };
}
pub(in crate::queue) use checked;

impl Script {
    pub(in crate::queue) const fn new(name: &'static str, source: &'static str) -> Script {
        Script {
            name,
            source,
            digest: OnceLock::new(),
        }
    }

    /// Name, for messages.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The commands it calls by name.
    pub(in crate::queue) fn commands(&self) -> impl Iterator<Item = &'static str> {
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
        command.arg("LOAD").arg(filled(self.source));
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
