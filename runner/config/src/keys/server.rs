//! `[server]`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::LazyLock;

use super::queue::{read_limiter, show_limiter};
use super::{Keys, Kind, kind};
use crate::decode::{Decoder, Table};
use crate::value::{self, Fault, Raw};
use crate::{Listen, Server};

/// No body is larger; more would have to be held in memory.
const LARGEST_BODY: usize = 1 << 30;

pub(crate) static SERVER: LazyLock<Keys<Server>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let address = Kind::new("address", listen, Listen::to_string).quoted();
        keys.value("listen", address, |server| &mut server.listen)
            .env(&["RUNNER_LISTEN"])
            .help(
                "\"unix:/run/runner.sock\"",
                "Where the HTTP API listens: an address with a port, or `unix:` and the path of a socket. Port 0 is any that is free.",
            );
        let mode = Kind::new("mode of a file", mode, |mode| format!("{mode:04o}")).quoted();
        keys.value("socket_mode", mode, |server| &mut server.socket_mode).help(
            "\"0600\"",
            "Who may connect to a unix socket, as `chmod` takes it. By default its owner and its group.",
        );
        keys.elsewhere("tls", "table", |server| {
            Some(server.tls.as_ref().map_or("none".to_owned(), |tls| tls.file.display().to_string()))
        })
        .help(
            "{ certificate = \"tls/cert.pem\", key = \"tls/key.pem\" }",
            "Speak TLS, with this certificate (and those that vouch for it) and its key, PEM. The files are read again when they change.",
        );
        keys.value("header_timeout", kind::duration(), |server| {
            &mut server.header_timeout
        })
        .help(
            "\"5s\"",
            "How long the head of a request, and a TLS handshake, may take.",
        );
        keys.value("body_timeout", kind::duration(), |server| &mut server.body_timeout).help(
            "\"1m\"",
            "How long the body of a request may take. Each KiB that arrives adds a second, so that only a trickle is too slow.",
        );
        keys.value("idle_timeout", kind::duration(), |server| {
            &mut server.idle_timeout
        })
        .help("\"2m\"", "How long a connection is kept without a request.");
        keys.value("send_timeout", kind::duration(), |server| &mut server.send_timeout).help(
            "\"10s\"",
            "How long a client may leave an answer, or an event, unread before its connection is closed.",
        );
        keys.value("max_body", kind::size(LARGEST_BODY), |server| {
            &mut server.max_body
        })
        .help(
            "\"1MiB\"",
            "The largest body that is read; of many jobs at once, the largest line.",
        );
        keys.value("max_connections", kind::from_one(), |server| &mut server.max_connections).help(
            "500",
            "How many connections there may be at once. One more takes the place of the one that has waited longest without a request.",
        );
        keys.table("rate", "table", rate, |server| {
            Some(server.rate.map_or("none".to_owned(), show_limiter))
        })
        .help(
            "{ max = 100, duration = \"1s\" }",
            "How many requests one token may send, or one address without a token: `max` per `duration`, and as many at once. One more gets status 429 with `Retry-After`.",
        );
        super::access::add(keys);
    })
});

fn rate(decoder: &mut Decoder<'_>, server: &Table<'_>, into: &mut Server) {
    into.rate = read_limiter(decoder, server, "rate");
}

/// Octal, as `chmod` takes it.
fn mode(raw: Raw<'_>) -> Result<u32, Fault> {
    let refused = || raw.is_not("a mode of three octal digits in quotes", "write \"0660\"");
    let text = value::text(raw).map_err(|_| refused())?;
    let mode = u32::from_str_radix(&text, 8).ok();
    mode.filter(|mode| *mode <= 0o777 && text.len() >= 3)
        .ok_or_else(refused)
}

/// `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000`, `unix:/run/runner.sock`.
pub(crate) fn listen(raw: Raw<'_>) -> Result<Listen, Fault> {
    let hint = "write \"127.0.0.1:3000\", \"[::1]:3000\" or \"unix:/run/runner.sock\"";
    let refused = || raw.is_not("an address with a port, or unix: and a path", hint);
    let text = value::text(raw).map_err(|_| refused())?;
    if let Some(path) = text.strip_prefix("unix:") {
        return match path.is_empty() {
            true => Err(refused()),
            false => Ok(Listen::Unix(PathBuf::from(path))),
        };
    }
    if let Some(port) = text.strip_prefix("localhost:") {
        let port = port.parse::<u16>().map_err(|_| refused())?;
        return Ok(Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }
    text.parse().map(Listen::Tcp).map_err(|_| refused())
}
