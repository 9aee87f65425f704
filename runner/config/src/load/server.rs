//! `[server]`

use crate::decode::{Decoder, Table};
use crate::keys::server::{SERVER, listen};
use crate::origins::Source;
use crate::{Listen, Overrides, Server};

/// The server, if the file, the environment or a flag asks for one.
pub(super) fn read(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    overrides: &Overrides,
) -> Option<Server> {
    const LISTEN: &str = "server.listen";
    let mut server = Server::default();
    if let Some(table) = decoder.table(root, "server", SERVER.names()) {
        SERVER.read(decoder, &table, &mut server);
    }
    SERVER.read_env(decoder, "server", &mut server);
    if let Some(flag) = &overrides.listen
        && let Some(address) = decoder.flag_value(LISTEN, "--listen", flag, listen)
    {
        server.listen = address;
    }
    // The file's paths start at the file.
    if let (Listen::Unix(path), Source::File(_)) = (&mut server.listen, decoder.origins.of(LISTEN))
    {
        *path = decoder.dir.join(&*path);
    }
    let asked = matches!(decoder.origins.of(LISTEN), Source::Env(_) | Source::Flag(_));
    (asked || root.get("server").is_some()).then_some(server)
}
