//! The embedded Redis: a private `redis-server` child with its data in one
//! directory.
//!
//! It listens on a loopback port that is remembered in `<dir>/port`, so that
//! producers keep their URL over restarts. `<dir>/lock` is held by the process
//! that owns the server; others (`runner add` beside `runner dev`) only connect.
//! A server that outlived a killed Runner is adopted, not started twice. It runs
//! in a process group of its own, because Ctrl-C must reach Runner first: jobs
//! are handed back before Redis goes.

use std::fs::{File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::units;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long the server may take until it answers: loading a large AOF counts.
const START: Duration = Duration::from_secs(60);
/// How long it may take to write its AOF and go.
const STOP: Duration = Duration::from_secs(10);

/// Why there is no embedded Redis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binary.
    #[error(
        "redis-server was not found on PATH: install it (Debian and Ubuntu: apt install redis-server, \
         Fedora: dnf install redis, macOS: brew install redis) or set [redis] url to a running Redis"
    )]
    Missing,
    /// It ended before it answered.
    #[error("redis-server ended while starting ({status}); its log {log} ends with:\n{tail}")]
    Ended {
        /// Exit status.
        status: String,
        /// Path of the log.
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// It does not answer.
    #[error("redis-server does not answer on {0} within {start}", start = units::duration(START))]
    Silent(SocketAddr),
    /// Another Runner owns the directory, but its server is not there.
    #[error(
        "another runner holds {0} and its redis-server does not answer; stop that runner first"
    )]
    Held(PathBuf),
    /// A CLI command needs a server that is not running.
    #[error(
        "the embedded redis in {0} is not running: start it with `runner dev` or `runner serve`"
    )]
    NotRunning(PathBuf),
    /// The directory cannot be used.
    #[error("cannot use {path} for the embedded redis: {source}")]
    Directory {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The embedded server, as seen by the process that started or found it.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    owned: Option<Owned>,
}

#[derive(Debug)]
struct Owned {
    pid: Pid,
    child: Option<Child>,
    _lock: File,
    /// It has been told to end.
    told: bool,
}

/// A start that fails later leaves no server behind. One that is told by [`Embedded::stop`]
/// is waited for as well.
impl Drop for Owned {
    fn drop(&mut self) {
        if !self.told {
            let _ = kill_process(self.pid, Signal::TERM);
        }
    }
}

impl Embedded {
    /// Start the server of this directory, or adopt the one that still runs.
    pub async fn start(dir: &Path) -> Result<Embedded, Error> {
        let dir = &prepare(dir)?;
        let lock = File::create(dir.join("lock")).map_err(directory(dir))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return match running(dir).await {
                    Some((address, _)) => {
                        tracing::info!(%address, "using the embedded redis of another runner");
                        Ok(Embedded {
                            address,
                            owned: None,
                        })
                    }
                    None => Err(Error::Held(dir.clone())),
                };
            }
            Err(TryLockError::Error(source)) => return Err(directory(dir)(source)),
        }
        if let Some((address, pid)) = running(dir).await {
            tracing::info!(%address, "adopted the embedded redis of an earlier run");
            let owned = Owned {
                pid,
                child: None,
                _lock: lock,
                told: false,
            };
            return Ok(Embedded {
                address,
                owned: Some(owned),
            });
        }
        let address = choose(dir)?;
        let mut child = spawn(dir, address.port())?;
        let pid = wait(dir, &mut child, address).await?;
        std::fs::write(dir.join("port"), address.port().to_string()).map_err(directory(dir))?;
        let owned = Owned {
            pid,
            child: Some(child),
            _lock: lock,
            told: false,
        };
        Ok(Embedded {
            address,
            owned: Some(owned),
        })
    }

    /// Find the server that another process runs.
    pub async fn find(dir: &Path) -> Result<Embedded, Error> {
        let running = match std::fs::canonicalize(dir) {
            Ok(dir) => running(&dir).await,
            Err(_) => None,
        };
        match running {
            Some((address, _)) => Ok(Embedded {
                address,
                owned: None,
            }),
            None => Err(Error::NotRunning(dir.to_owned())),
        }
    }

    /// The URL for producers and for ourselves.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Stop the server, if it is ours: SIGTERM, on which Redis flushes its AOF.
    pub async fn stop(self) {
        let Some(mut owned) = self.owned else { return };
        owned.told = true;
        let _ = kill_process(owned.pid, Signal::TERM);
        let gone = async {
            match &mut owned.child {
                Some(child) => {
                    let _ = child.wait().await;
                }
                // An adopted server is not our child: nobody tells us its end.
                None => {
                    while test_kill_process(owned.pid).is_ok() {
                        sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        };
        if timeout(STOP, gone).await.is_err() {
            tracing::warn!(
                "the embedded redis did not stop within {} and is killed",
                units::duration(STOP)
            );
            let _ = kill_process(owned.pid, Signal::KILL);
        }
    }
}

fn directory(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Directory {
        path: path.to_owned(),
        source,
    }
}

/// Make the directory, for us alone: the server has no password.
fn prepare(dir: &Path) -> Result<PathBuf, Error> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(directory(dir))?;
    std::fs::canonicalize(dir).map_err(directory(dir))
}

/// The remembered port if it is free, else any.
fn choose(dir: &Path) -> Result<SocketAddr, Error> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|l| l.local_addr());
    let remembered = remembered(dir).and_then(|port| free(port).ok());
    match remembered {
        Some(address) => Ok(address),
        None => free(0).map_err(directory(dir)),
    }
}

fn remembered(dir: &Path) -> Option<u16> {
    std::fs::read_to_string(dir.join("port"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn spawn(dir: &Path, port: u16) -> Result<Child, Error> {
    let child = Command::new("redis-server")
        .current_dir(dir)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .arg("--dir")
        .arg(dir)
        .args(["--appendonly", "yes", "--appendfsync", "everysec"])
        .args(["--save", "", "--maxmemory-policy", "noeviction"])
        .args(["--daemonize", "no", "--logfile", "redis.log"])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing,
        _ => directory(dir)(error),
    })
}

async fn wait(dir: &Path, child: &mut Child, address: SocketAddr) -> Result<Pid, Error> {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if let Ok(Some(status)) = child.try_wait() {
            let log = dir.join("redis.log");
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            return Err(Error::Ended {
                status: status.to_string(),
                log,
                tail: lines[lines.len().saturating_sub(5)..].join("\n"),
            });
        }
        if let Some(pid) = ask(address, dir).await {
            return Ok(pid);
        }
        sleep(Duration::from_millis(10)).await;
    }
    let _ = child.start_kill();
    Err(Error::Silent(address))
}

async fn running(dir: &Path) -> Option<(SocketAddr, Pid)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, remembered(dir)?));
    Some((address, ask(address, dir).await?))
}

/// The pid of the Redis at this address, if it is ready and serves this
/// directory: another Redis may have got the port since.
async fn ask(address: SocketAddr, dir: &Path) -> Option<Pid> {
    let conversation = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        // Inline commands of the Redis protocol; QUIT makes the server close, so
        // reading to the end is reading all replies.
        stream
            .write_all(b"CONFIG GET dir\r\nPING\r\nINFO server\r\nQUIT\r\n")
            .await
            .ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.ok()?;
        Some(reply)
    };
    let reply = timeout(Duration::from_secs(2), conversation).await.ok()??;
    let serves = reply.lines().any(|line| Path::new(line) == dir);
    let ready = reply.lines().any(|line| line == "+PONG");
    let pid = reply
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"))?;
    (serves && ready)
        .then(|| pid.parse().ok().and_then(Pid::from_raw))
        .flatten()
}
