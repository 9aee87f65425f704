//! HTTP as bytes on a socket, for what no client sends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::PATIENCE;

/// A connection to a server.
pub(crate) struct Wire<S = TcpStream>(S);

impl Wire {
    /// To `127.0.0.1:41234`.
    #[track_caller]
    pub(crate) fn to(address: &str) -> Wire {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire(stream)
    }

    /// Say that nothing more is sent.
    pub(crate) fn finish(&mut self) -> &mut Self {
        self.0.shutdown(Shutdown::Write).expect("it is open");
        self
    }

    /// What comes at once, if anything does; nothing but the end is an empty text.
    pub(crate) fn soon(&mut self) -> Option<String> {
        let mut bytes = [0; 4096];
        let patience = |time| self.0.set_read_timeout(Some(time)).unwrap();
        patience(Duration::from_millis(200));
        let read = (&self.0).read(&mut bytes);
        patience(PATIENCE);
        Some(String::from_utf8_lossy(&bytes[..read.ok()?]).into_owned())
    }
}

impl Wire<UnixStream> {
    /// To a socket in the file system.
    #[track_caller]
    pub(crate) fn at(path: &Path) -> Wire<UnixStream> {
        let stream = UnixStream::connect(path).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire(stream)
    }
}

impl<S: Read + Write> Wire<S> {
    /// Send this, as it is. A server that has gone does not mind.
    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.write_all(text.as_ref());
        self
    }

    /// All that comes until the server closes the connection.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => {
                panic!("the connection stays open: {error}")
            }
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// What comes until there is this in it.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        loop {
            let got = self.0.read(&mut byte);
            let all = String::from_utf8_lossy(&bytes);
            assert!(matches!(got, Ok(1)), "{got:?} before {text:?}: {all}");
            bytes.push(byte[0]);
            if bytes.ends_with(text.as_bytes()) {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
    }

    /// A GET on a connection that stays open; returns the head and the body.
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
        let head = self.until("\r\n\r\n");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.expect("a length").parse().unwrap()];
        self.0.read_exact(&mut body).expect("the whole body");
        head + &String::from_utf8_lossy(&body)
    }
}
