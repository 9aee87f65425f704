//! `[server]`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::LazyLock;

use super::{Keys, Kind};
use crate::value::{self, Fault, Raw};
use crate::{Listen, Server};

pub(crate) static SERVER: LazyLock<Keys<Server>> = LazyLock::new(|| {
    Keys::new(|keys| {
        let address = Kind::new("address", listen, Listen::to_string).quoted();
        keys.value("listen", address, |server| &mut server.listen)
            .env(&["RUNNER_LISTEN"])
            .help(
                "\"unix:/run/runner.sock\"",
                "Where the HTTP API listens: an address with a port, or `unix:` and the path of a socket. Port 0 is any that is free.",
            );
    })
});

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
