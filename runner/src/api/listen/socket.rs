//! Sockets that take connections, and why there is none.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::Peer;
use crate::config::{Listen, Server};

/// Connections that wait to be taken. Thousands may come in the same moment; the system
/// has a limit of its own (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Why the HTTP API does not listen.
#[derive(Debug, thiserror::Error)]
pub enum Unbound {
    /// Somebody else does.
    Taken(Listen),
    /// The system refuses it.
    Refused(Listen, Errno),
    /// There is something else at the path of a socket.
    NotASocket(PathBuf),
    /// The certificate cannot be used.
    Certificate(String),
    /// The system refuses something else.
    System(io::Error),
}

impl fmt::Display for Unbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the HTTP API cannot listen")?;
        match self {
            Unbound::Taken(Listen::Tcp(address)) => {
                let port = address.port();
                let other = SocketAddr::new(address.ip(), port.wrapping_add(1));
                write!(
                    f,
                    " at {address}: another process has that port (`ss -ltnp 'sport = :{port}'` \
                     names it); choose another with --listen {other}, or `listen` in [server]"
                )
            }
            Unbound::Taken(listen) => write!(
                f,
                " at {listen}: another process listens there; choose another path with \
                 --listen, or `listen` in [server]"
            ),
            Unbound::Refused(listen, Errno::ACCESS) => match listen {
                Listen::Tcp(_) => write!(
                    f,
                    " at {listen}: this is not allowed; ports below 1024 need the capability \
                     CAP_NET_BIND_SERVICE"
                ),
                Listen::Unix(_) => write!(
                    f,
                    " at {listen}: this is not allowed; the directory must be writable"
                ),
            },
            Unbound::Refused(listen, Errno::ADDRNOTAVAIL) => write!(
                f,
                " at {listen}: this machine does not have that address; 0.0.0.0 or [::] stands \
                 for all that it has"
            ),
            Unbound::Refused(listen @ Listen::Unix(_), Errno::NOENT) => {
                write!(f, " at {listen}: its directory does not exist")
            }
            Unbound::Refused(listen @ Listen::Unix(_), Errno::NAMETOOLONG) => write!(
                f,
                " at {listen}: the path of a socket has at most 107 bytes"
            ),
            Unbound::Refused(listen, error) => write!(f, " at {listen}: {error}"),
            Unbound::NotASocket(path) => write!(
                f,
                " at unix:{0}: a file that is no socket is there; remove it, or choose another \
                 path",
                path.display()
            ),
            Unbound::Certificate(why) => write!(f, ": {why}"),
            Unbound::System(error) => write!(f, ": {error}"),
        }
    }
}

/// A socket that takes connections, on the runtime where it was made.
pub(super) struct Socket {
    address: Listen,
    mode: u32,
    /// `None` while another one needs the address.
    listener: Option<Listener>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "the file goes with the listener")] Node,
    ),
}

/// A connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Take the address of these settings.
    pub(super) fn bind(settings: &Server) -> Result<Socket, Unbound> {
        Socket::at(settings.listen.clone(), settings.socket_mode)
    }

    /// Take any free port of this machine.
    pub(super) fn bind_any(settings: &Server) -> Result<Socket, Unbound> {
        let any = Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Socket::at(any, settings.socket_mode)
    }

    fn at(address: Listen, mode: u32) -> Result<Socket, Unbound> {
        let (address, listener) = match address {
            Listen::Tcp(wanted) => {
                let listener = tcp(wanted).map_err(|error| failed(Listen::Tcp(wanted), error))?;
                let listener = std::net::TcpListener::from(listener);
                let listener = TcpListener::from_std(listener).map_err(Unbound::System)?;
                let address = listener.local_addr().map_err(Unbound::System)?;
                (Listen::Tcp(address), Listener::Tcp(listener))
            }
            Listen::Unix(path) => {
                let (listener, node) = unix(&path, mode)?;
                (Listen::Unix(path), Listener::Unix(listener, node))
            }
        };
        Ok(Socket {
            address,
            mode,
            listener: Some(listener),
        })
    }

    /// Where it is, with the port that the system chose.
    pub(super) fn address(&self) -> &Listen {
        &self.address
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.listener {
            Some(Listener::Tcp(listener)) => {
                let (stream, from) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Peer::Tcp(from)))
            }
            Some(Listener::Unix(listener, _)) => {
                Ok((Stream::Unix(listener.accept().await?.0), Peer::Unix))
            }
            None => std::future::pending().await,
        }
    }

    /// A connection that is there already.
    pub(super) fn accept_waiting(&self) -> Option<(Stream, Peer)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match self.listener.as_ref()? {
            Listener::Tcp(listener) => {
                let stream = net::accept_with(listener, flags).ok()?;
                let stream = TcpStream::from_std(stream.into()).ok()?;
                stream.set_nodelay(true).ok()?;
                let from = stream.peer_addr().ok()?;
                Some((Stream::Tcp(stream), Peer::Tcp(from)))
            }
            Listener::Unix(listener, _) => {
                let stream = net::accept_with(listener, flags).ok()?;
                let stream = UnixStream::from_std(stream.into()).ok()?;
                Some((Stream::Unix(stream), Peer::Unix))
            }
        }
    }

    /// Give the address away for a while.
    pub(super) fn pause(&mut self) {
        self.listener = None;
    }

    /// Take the address again.
    pub(super) fn resume(&mut self) -> Result<(), Unbound> {
        *self = Socket::at(self.address.clone(), self.mode)?;
        Ok(())
    }

    /// Let those connect whom this mode lets, if it is a file.
    pub(super) fn admit_by(&mut self, mode: u32) {
        if let (Listen::Unix(path), true) = (&self.address, self.mode != mode) {
            self.mode = mode;
            if let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
                let path = path.display();
                tracing::error!("the mode of {path} cannot be changed: {error}");
            }
        }
    }
}

/// Whether a connection was lost before it was taken, which is the client's affair.
pub(super) fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted | NotConnected
    )
}

fn failed(listen: Listen, error: Errno) -> Unbound {
    match error {
        Errno::ADDRINUSE => Unbound::Taken(listen),
        error => Unbound::Refused(listen, error),
    }
}

fn open(family: AddressFamily) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    net::socket_with(family, SocketType::STREAM, flags, None)
}

fn tcp(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let socket = open(match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    })?;
    // Connections of the process before this one may still be closing.
    net::sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// A socket in the file system. One that a process has left behind is replaced.
fn unix(path: &Path, mode: u32) -> Result<(UnixListener, Node), Unbound> {
    let at = || Listen::Unix(path.to_owned());
    let refused = |error| Unbound::Refused(at(), error);
    let address = SocketAddrUnix::new(path).map_err(refused)?;
    let socket = open(AddressFamily::UNIX).map_err(refused)?;
    // Linux gives the file the mode of the socket: nobody else can connect meanwhile.
    fchmod(&socket, Mode::from_raw_mode(mode)).map_err(refused)?;
    match net::bind(&socket, &address) {
        Err(Errno::ADDRINUSE) if is_left_behind(path, &address)? => {
            fs::remove_file(path).map_err(Unbound::System)?;
            net::bind(&socket, &address).map_err(|error| failed(at(), error))?;
        }
        bound => bound.map_err(|error| failed(at(), error))?,
    }
    let node = Node::of(path).map_err(Unbound::System)?;
    // The process may have a mask that takes something away.
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Unbound::System)?;
    net::listen(&socket, BACKLOG).map_err(refused)?;
    let listener = UnixListener::from_std(socket.into()).map_err(Unbound::System)?;
    Ok((listener, node))
}

/// Whether nobody listens at this socket any more.
fn is_left_behind(path: &Path, address: &SocketAddrUnix) -> Result<bool, Unbound> {
    let kind = fs::symlink_metadata(path).map_err(Unbound::System)?;
    if !kind.file_type().is_socket() {
        return Err(Unbound::NotASocket(path.to_owned()));
    }
    let asked = open(AddressFamily::UNIX).and_then(|socket| net::connect(&socket, address));
    Ok(asked == Err(Errno::CONNREFUSED))
}

/// The file of a socket, which goes with it.
struct Node {
    path: PathBuf,
    id: (u64, u64),
}

impl Node {
    fn of(path: &Path) -> io::Result<Node> {
        let (path, id) = (path.to_owned(), identity(path)?);
        Ok(Node { path, id })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for Node {
    /// Another process may have put its own in this place.
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.id) {
            // What cannot be removed is replaced at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
