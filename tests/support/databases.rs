//! Private servers of databases on free ports of the loopback: one shared by all tests, or
//! one of its own for a test that kills it. Their binaries are Debian's (`tests/setup`).

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::process::Process;
use super::until;

/// The password of the only user, who is called `runner`.
const PASSWORD: &str = "correct horse";

/// Which server it is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Postgres,
    Mariadb,
}

/// A running server with a database `runner`.
pub(crate) struct Server {
    kind: Kind,
    port: u16,
    data: TempDir,
    process: Option<Process>,
}

/// A name that no other test uses, for a table.
pub(crate) fn fresh(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{name}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Server {
    /// The Postgres that tests share.
    pub(crate) fn postgres() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::own_postgres)
    }

    /// The MariaDB that tests share.
    pub(crate) fn mariadb() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::own_mariadb)
    }

    /// A Postgres for this test alone.
    pub(crate) fn own_postgres() -> Server {
        let data = directory("postgres");
        let password = data.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let server = Server {
            kind: Kind::Postgres,
            port: free_port(),
            process: None,
            data,
        };
        // As a file that the server's own user can read.
        run(Command::new("chmod").arg("644").arg(&password));
        run(as_user("postgres", &postgres("initdb"))
            .args(["-U", "runner", "--auth=scram-sha-256", "-E", "UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(server.data.path().join("data"))
            .arg(format!("--pwfile={}", password.display())));
        let server = server.started();
        run(Command::new(postgres("createdb"))
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "runner",
                "-p",
                &server.port.to_string(),
                "runner",
            ])
            .env("PGPASSWORD", PASSWORD));
        server
    }

    /// A MariaDB for this test alone.
    pub(crate) fn own_mariadb() -> Server {
        let server = Server {
            kind: Kind::Mariadb,
            port: free_port(),
            process: None,
            data: directory("mysql"),
        };
        let init = format!(
            "create database if not exists runner; create user if not exists runner@'127.0.0.1' \
             identified by '{PASSWORD}'; grant all on *.* to runner@'127.0.0.1';"
        );
        std::fs::write(
            server.data.path().join("init.sql"),
            init.replace("; ", ";\n"),
        )
        .unwrap();
        run(as_user("mysql", Path::new("mariadb-install-db"))
            .args(["--no-defaults", "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal")
            .arg(format!(
                "--datadir={}",
                server.data.path().join("data").display()
            )));
        server.started()
    }

    fn started(mut self) -> Server {
        self.start();
        self
    }

    /// Start it, on the same port and data.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "kill it first");
        let data = self.data.path().join("data");
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = as_user("postgres", &postgres("postgres"));
                command.arg("-D").arg(&data);
                for setting in [
                    format!("port={}", self.port),
                    "listen_addresses=127.0.0.1".to_owned(),
                    format!("unix_socket_directories={}", self.data.path().display()),
                    "fsync=off".to_owned(),
                    "max_connections=300".to_owned(),
                ] {
                    command.args(["-c", &setting]);
                }
                command
            }
            Kind::Mariadb => {
                let mut command = as_user("mysql", Path::new("/usr/sbin/mariadbd"));
                let path = |name| self.data.path().join(name).display().to_string();
                command
                    .args([
                        "--no-defaults",
                        "--bind-address=127.0.0.1",
                        "--skip-log-bin",
                    ])
                    .args([
                        "--character-set-server=utf8mb4",
                        "--innodb-buffer-pool-size=32M",
                    ])
                    .arg(format!("--port={}", self.port))
                    .arg(format!("--datadir={}", data.display()))
                    .arg(format!("--socket={}", path("mariadb.sock")))
                    .arg(format!("--pid-file={}", path("mariadb.pid")))
                    .arg(format!("--init-file={}", path("init.sql")));
                command
            }
        };
        let log = std::fs::File::create(self.data.path().join("log")).unwrap();
        let also = log.try_clone().unwrap();
        let mut process = Process::spawn(command.stdin(Stdio::null()).stdout(also).stderr(log));
        until("the database to answer", || {
            if let Some(status) = process.ended() {
                let log = std::fs::read_to_string(self.data.path().join("log")).unwrap();
                panic!("the database ended with {status}: {log}");
            }
            self.answers().then_some(())
        });
        self.process = Some(process);
    }

    fn answers(&self) -> bool {
        match self.kind {
            Kind::Postgres => Command::new(postgres("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .is_ok_and(|status| status.success()),
            // It listens when its init file has run.
            Kind::Mariadb => TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
        }
    }

    /// SIGKILL it. Postgres' own children end by themselves.
    pub(crate) fn kill(&mut self) {
        self.process.take().expect("a running server").kill();
        until("the port to be free", || {
            TcpListener::bind(("127.0.0.1", self.port)).ok()
        });
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its data, for files that belong to it.
    pub(crate) fn directory(&self) -> &Path {
        self.data.path()
    }

    /// The URL of its database, with the password.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Postgres => "postgres",
            Kind::Mariadb => "mysql",
        };
        let password = PASSWORD.replace(' ', "%20");
        format!(
            "{scheme}://runner:{password}@127.0.0.1:{}/runner",
            self.port
        )
    }
}

/// A directory that the user can write to.
fn directory(user: &str) -> TempDir {
    let data = TempDir::new().expect("a temporary directory");
    if root() {
        run(Command::new("chown").arg(user).arg(data.path()));
    }
    data
}

/// A command as this user where we are root, whom the servers refuse.
fn as_user(user: &str, program: &Path) -> Command {
    if !root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", user, "--regid", user, "--clear-groups", "--"])
        .arg(program)
        .current_dir("/");
    command
}

fn root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// A program of the newest Postgres that Debian has installed, or of the path.
fn postgres(program: &str) -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<_> = installed
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin").join(program))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(program))
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output
        .unwrap_or_else(|error| panic!("{:?}: {error}: run tests/setup", command.get_program()));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
