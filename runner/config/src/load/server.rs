//! `[server]`

use crate::decode::{Decoder, Table};
use crate::keys::server::{SERVER, listen};
use crate::load::secret::reason;
use crate::origins::Source;
use crate::value::{self, fault};
use crate::{Certificate, Listen, Overrides, Secret, Server};

const LISTEN: &str = "server.listen";

/// The server, if the file, the environment or a flag asks for one.
pub(super) fn read(
    decoder: &mut Decoder<'_>,
    root: &Table<'_>,
    overrides: &Overrides,
) -> Option<Server> {
    let mut server = Server::default();
    let table = decoder.table(root, "server", SERVER.names());
    if let Some(table) = &table {
        SERVER.read(decoder, table, &mut server);
        server.tls = certificate(decoder, table);
        super::access::read(decoder, table, &mut server.access);
    }
    SERVER.read_env(decoder, "server", &mut server);
    if let Some(flag) = &overrides.listen
        && let Some(address) = decoder.flag_value(LISTEN, "--listen", flag, listen)
    {
        server.listen = address;
    }
    // The file's paths start at the file.
    let origin = decoder.origins.of(LISTEN);
    if let (Listen::Unix(path), Source::File(_)) = (&mut server.listen, &origin) {
        *path = decoder.dir.join(&*path);
    }
    server.any_port = overrides.serves && matches!(origin, Source::Default);
    let asked = matches!(origin, Source::Env(_) | Source::Flag(_));
    let wanted = asked || overrides.serves || root.get("server").is_some();
    if wanted && !server.listen.is_local() && !server.authenticates() {
        exposed(decoder, table.as_ref(), &server.listen);
    }
    wanted.then_some(server)
}

/// Nobody may listen to the network who takes anybody for an admin.
fn exposed(decoder: &mut Decoder<'_>, table: Option<&Table<'_>>, address: &Listen) {
    let fault = fault(
        format!("is {address}, where other machines can connect, and nothing says who may do what"),
        "add a token to [server.tokens] (see docs/security.md), or listen on 127.0.0.1",
    );
    let entry = table.and_then(|table| table.get("listen"));
    match (decoder.origins.of(LISTEN), entry) {
        (Source::Flag(name), _) => decoder.refuse_outside(name, fault),
        (Source::Env(name), _) => {
            decoder.refuse_outside(&format!("environment variable {name}"), fault);
        }
        (_, Some(entry)) => decoder.refuse(entry.span.clone(), LISTEN, fault),
        (_, None) => decoder.refuse_outside(LISTEN, fault),
    }
}

/// `tls`: both files, as they are now.
fn certificate(decoder: &mut Decoder<'_>, server: &Table<'_>) -> Option<Certificate> {
    let table = decoder.table(server, "tls", ["certificate", "key"])?;
    decoder.both(&table, "certificate", "key");
    decoder.whole(&table);
    let mut pem = |key| {
        let name = decoder.value(&table, key, value::text)?;
        let file = decoder.path(&name);
        decoder.sources.secrets.insert(file.clone());
        match std::fs::read_to_string(&file) {
            Ok(text) => Some((file, text)),
            Err(error) => {
                let fault = fault(
                    format!("cannot be read from {name}: {}", reason(&error)),
                    "paths are relative to the directory of this file",
                );
                let span = table.get(key)?.span.clone();
                decoder.refuse(span, &format!("server.tls.{key}"), fault);
                None
            }
        }
    };
    let (certificate, key) = (pem("certificate"), pem("key"));
    let ((file, chain), (_, key)) = (certificate?, key?);
    Some(Certificate {
        file,
        chain,
        key: Secret(key),
    })
}
