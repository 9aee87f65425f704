//! A database and its calls: a connection, the statements on it, and what becomes of the
//! connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool::managed::Object;
use tokio::sync::oneshot;

use crate::call::{self, Call};
use crate::error::{Error, Kind};
use crate::limits::Limits;
use crate::pool::{self, Opener, Pool, Usage};
use crate::settings::{self, Server, Settings};
use crate::text;
use crate::value::{How, Rows, Statement};

/// How long a server has to stop a statement, before its connection is dropped.
const STOPPING: Duration = Duration::from_secs(1);

/// A database. Cheap to clone: clones share one pool, which opens connections when they
/// are needed.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    name: String,
    server: Server,
    settings: Settings,
    pool: Pool,
}

impl Database {
    /// The database of this name, which stands in messages. Sends nothing.
    ///
    /// # Errors
    /// What is wrong with the URL, without its words.
    pub fn new(name: &str, settings: Settings) -> Result<Database, Error> {
        let made = settings::server(&settings.url).and_then(|server| {
            let opener = Opener::new(server, &settings)?;
            Ok((server, pool::new(opener, settings.pool.max(1))?))
        });
        let (server, pool) = made.map_err(|error| error.of(name))?;
        Ok(Database(Arc::new(Inner {
            name: name.to_owned(),
            server,
            settings,
            pool,
        })))
    }

    /// Whether the database answers, within the settings' `timeout`.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        let statement = Statement {
            text: "select 1".to_owned(),
            parameters: Vec::new(),
            expect: None,
        };
        let until = Instant::now() + self.0.settings.timeout;
        self.run(vec![statement], How::Execute, until).await?;
        Ok(())
    }

    /// Run the statements, and return what each returned. `until` limits waiting for a
    /// connection, too. When the future is dropped, what runs is stopped on the server.
    ///
    /// Must be called within a runtime of tokio that lasts as long as the database: calls
    /// and connections are tasks of it.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// Outside of a runtime.
    pub async fn run(
        &self,
        statements: Vec<Statement>,
        how: How,
        until: Instant,
    ) -> Result<Vec<Rows>, Error> {
        let call = self.call(statements, how, until);
        let call = call.map_err(|error| error.of(&self.0.name))?;
        if call.statements.is_empty() {
            return Ok(Vec::new());
        }
        let inner = &self.0;
        let connection = pool::get(&inner.pool, until, inner.settings.timeout).await;
        let connection = connection.map_err(|error| error.of(&inner.name))?;
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(attend(connection, call, sender));
        let done = receiver
            .await
            .unwrap_or_else(|_| Err(Error::new(Kind::Failed, "the call ended without a result")));
        done.map_err(|error| error.of(&inner.name))
    }

    /// How its connections are used now.
    pub fn usage(&self) -> Usage {
        pool::usage(&self.0.pool)
    }

    /// Close its connections when they come back. Calls that come later are `unavailable`.
    pub fn close(&self) {
        self.0.pool.close();
    }

    fn call(&self, statements: Vec<Statement>, how: How, until: Instant) -> Result<Call, Error> {
        let Settings {
            readonly,
            max_rows: rows,
            max_bytes: bytes,
            ..
        } = self.0.settings;
        let limits = Limits { rows, bytes };
        limits.check(&statements, how)?;
        let transaction = how == How::Transaction;
        if !transaction && statements.len() != 1 {
            return Err(Error::invalid("one statement is wanted"));
        }
        let mut looked = Vec::with_capacity(statements.len());
        for (index, statement) in statements.into_iter().enumerate() {
            let look = text::look(self.0.server, &statement.text);
            text::check(self.0.server, &look, readonly, transaction).map_err(|error| {
                match transaction {
                    true => error.at(index),
                    false => error,
                }
            })?;
            looked.push((statement, look));
        }
        Ok(Call {
            statements: looked,
            how,
            limits,
            readonly,
            until,
            committing: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        })
    }
}

/// Run a call on its connection, and put that in order. The sender tells when nobody waits.
async fn attend(
    mut connection: Object<Opener>,
    call: Call,
    mut sender: oneshot::Sender<Result<Vec<Rows>, Error>>,
) {
    let call = Arc::new(call);
    let stopper = connection.stopper();
    let mut stopping = false;
    let result = {
        let work = connection.run(&call);
        tokio::pin!(work);
        let until = tokio::time::Instant::from_std(call.until);
        let done = tokio::select! {
            done = &mut work => Some(done),
            () = tokio::time::sleep_until(until) => None,
            () = sender.closed() => None,
        };
        match done {
            Some(done) => Some(done),
            None => {
                stopping = true;
                call.stopped.store(true, Ordering::Relaxed);
                let stop = stopper.stop();
                let end = async { tokio::join!(stop, work).1 };
                tokio::time::timeout(STOPPING, end).await.ok()
            }
        }
    };
    // A stop that came too late might strike the next statement.
    let keep = match (&result, stopping) {
        (None, _) => false,
        (Some(Err(error)), true) => error.kind == Kind::Timeout,
        (Some(Ok(_)), true) => false,
        (Some(_), false) => true,
    };
    let result = result.unwrap_or_else(|| match call.committing.load(Ordering::Relaxed) {
        true => Err(call.broken("the server does not answer")),
        false => Err(call::timeout()),
    });
    let _ = sender.send(result);
    let kept = keep && connection.cleaned().await;
    if !kept {
        drop(Object::take(connection));
    }
}
