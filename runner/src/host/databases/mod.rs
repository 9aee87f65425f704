//! The databases that plugins are granted. Their connections belong to the process: all
//! jobs and all versions of a plugin share them, as long as its grant stays the same.

mod reached;
pub(super) mod script;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runner_sql::{Database, Error, How, Kind, Rows, Settings, Statement, Tls};
use tokio::runtime::Handle;
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinHandle;

use self::reached::Reached;
use self::script::Script;
use crate::config::{self, Plugin, nearest};

/// All databases of the process.
pub(super) struct Databases {
    /// Where calls run: a guest that spins holds up none.
    io: Handle,
    /// By plugin and by the name that the plugin has for it.
    open: Mutex<HashMap<(String, String), Open>>,
    /// Told when one has answered, or not.
    changes: Sender<()>,
    /// Answers in their place.
    script: Option<Arc<Script>>,
}

/// A database as one plugin has it.
#[derive(Clone)]
struct Open {
    granted: config::Database,
    /// What is wrong with its URL otherwise.
    database: Result<Database, Error>,
    reached: Arc<Reached>,
}

/// The databases of one plugin.
pub(super) struct Granted {
    io: Handle,
    plugin: String,
    databases: BTreeMap<String, Open>,
    script: Option<Arc<Script>>,
}

impl Databases {
    /// Of a process whose connections live on this runtime.
    pub(super) fn new(io: Handle) -> Databases {
        Databases {
            io,
            open: Mutex::default(),
            changes: Sender::new(()),
            script: None,
        }
    }

    /// Have this answer in the place of all databases.
    pub(super) fn by_script(self, script: Arc<Script>) -> Databases {
        let script = Some(script);
        Databases { script, ..self }
    }

    /// Whether all databases of a plugin have answered since they were granted; otherwise
    /// why one has not, if that is known. They are tried until they do.
    pub(super) fn reached(&self, plugin: &str) -> Result<(), Option<String>> {
        self.each(plugin, |open| {
            open.reached.ask(&open.database, &self.io, &self.changes)
        })
    }

    /// Why one of a plugin's databases has not answered, once it was tried.
    pub(super) fn unreached(&self, plugin: &str) -> Option<String> {
        let why = |open: &Open| open.reached.why().map_or(Ok(()), Err);
        self.each(plugin, why).err()
    }

    fn each<E>(&self, plugin: &str, ask: impl Fn(&Open) -> Result<(), E>) -> Result<(), E> {
        let open = self.lock();
        let mut of_plugin = open.iter().filter(|((of, _), _)| of == plugin);
        of_plugin.try_for_each(|(_, open)| ask(open))
    }

    /// Close those of plugins that are no longer configured, when their last call has
    /// ended.
    pub(super) fn keep(&self, configured: impl Fn(&str) -> bool) {
        self.lock().retain(|(of, _), _| configured(of));
    }

    /// Told when a database has answered for the first time, or has not.
    pub(super) fn changes(&self) -> Receiver<()> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that the plugin is granted now. Connections of one that it is granted no
    /// longer, or otherwise, are closed when the last call of them has ended.
    pub(super) fn of(&self, plugin: &Plugin) -> Granted {
        let mut open = self.lock();
        open.retain(|(of, name), open| {
            *of != plugin.name || plugin.sql.get(name) == Some(&open.granted)
        });
        let databases = plugin.sql.iter().map(|(name, granted)| {
            let key = (plugin.name.clone(), name.clone());
            if self.script.is_none() {
                make_way(granted);
            }
            let open = open.entry(key).or_insert_with(|| Open {
                granted: granted.clone(),
                database: Database::new(name, settings(granted)),
                reached: Arc::default(),
            });
            (name.clone(), open.clone())
        });
        Granted {
            io: self.io.clone(),
            plugin: plugin.name.clone(),
            databases: databases.collect(),
            script: self.script.clone(),
        }
    }
}

impl Granted {
    /// Run statements for a job with this deadline. Dropping the future stops them on the
    /// server.
    ///
    /// # Errors
    /// When the database is not granted, or as [`Database::run`] has it.
    pub(super) async fn run(
        &self,
        database: &str,
        statements: Vec<Statement>,
        how: How,
        timeout: Option<Duration>,
        deadline: Instant,
    ) -> Result<Vec<Rows>, Error> {
        let open = self.find(database)?;
        if let Some(script) = &self.script {
            return script.run(database, statements, how);
        }
        let wanted = timeout.unwrap_or(open.granted.timeout);
        let until = deadline.min(Instant::now() + wanted.min(open.granted.timeout));
        let database = open.database.clone()?;
        let running = self
            .io
            .spawn(async move { database.run(statements, how, until).await });
        Running(running).await
    }

    /// How many statements of this database one attempt may run.
    ///
    /// # Errors
    /// When it is not granted.
    pub(super) fn most(&self, database: &str) -> Result<usize, Error> {
        Ok(self.find(database)?.granted.max_statements)
    }

    fn find(&self, database: &str) -> Result<&Open, Error> {
        self.databases
            .get(database)
            .ok_or_else(|| Error::new(Kind::Denied, self.missing(database)))
    }

    /// Why there is no such database.
    fn missing(&self, database: &str) -> String {
        let plugin = &self.plugin;
        let names: Vec<&str> = self.databases.keys().map(String::as_str).collect();
        if names.is_empty() {
            return format!(
                "plugin {plugin:?} is granted no database: add {database:?} to \
                 [plugins.{plugin}.sql]"
            );
        }
        let hint = match nearest(database, names.iter().copied()) {
            Some(near) => format!("; did you mean {near:?}?"),
            None => String::new(),
        };
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        format!(
            "database {database:?} is not granted to plugin {plugin:?}: [plugins.{plugin}.sql] \
             has {}{hint}",
            quoted.join(", ")
        )
    }
}

/// A file that may be made may have a new directory.
fn make_way(granted: &config::Database) {
    let file = granted.url.0.strip_prefix("sqlite:");
    let file = file.and_then(|file| file.strip_suffix("?mode=rwc"));
    if let Some(directory) = file.and_then(|file| Path::new(file).parent()) {
        // The first call says what is wrong with it.
        let _ = std::fs::create_dir_all(directory);
    }
}

fn settings(granted: &config::Database) -> Settings {
    Settings {
        url: granted.url.0.clone(),
        readonly: granted.readonly,
        pool: granted.pool,
        timeout: granted.timeout,
        max_rows: granted.max_rows,
        max_bytes: granted.max_bytes,
        tls: Tls {
            ca: granted.ca.clone(),
            identity: granted.cert.clone().zip(granted.key.clone()),
        },
    }
}

/// A call that ends with the future that waits for it.
struct Running(JoinHandle<Result<Vec<Rows>, Error>>);

impl Future for Running {
    type Output = Result<Vec<Rows>, Error>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let done = std::pin::Pin::new(&mut self.0).poll(cx);
        done.map(|done| {
            done.unwrap_or_else(|error| {
                let message = format!("the call was not finished: {error}");
                Err(Error::new(Kind::Failed, message))
            })
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Databases").finish_non_exhaustive()
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.databases.keys();
        f.debug_tuple("Granted").field(&names).finish()
    }
}
