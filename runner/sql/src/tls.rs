//! TLS to a server of databases. Files are read with each connection, so that certificates
//! that were renewed are taken up.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Kind};
use crate::settings::Tls;

/// How to talk to the server, and whom to take it for.
pub(crate) fn client(tls: &Tls) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            for certificate in certificates("ca", file)? {
                roots.add(certificate).map_err(|error| {
                    unusable(format!(
                        "the certificates of ca cannot be used: {}: {error}",
                        file.display()
                    ))
                })?;
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots);
    let Some((cert, key)) = &tls.identity else {
        return Ok(config.with_no_client_auth());
    };
    let chain = certificates("cert", cert)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        unusable(format!(
            "the key of key cannot be read: {}: {error}",
            key.display()
        ))
    })?;
    config
        .with_client_auth_cert(chain, key)
        .map_err(|error| unusable(format!("cert and key do not belong together: {error}")))
}

/// All certificates of a PEM file.
fn certificates(option: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unread = |why: String| {
        let file = file.display();
        unusable(format!(
            "the certificates of {option} cannot be read: {file}: {why}"
        ))
    };
    let pem = std::fs::read(file).map_err(|error| unread(error.to_string()))?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unread(error.to_string()))?;
    match all.is_empty() {
        true => Err(unread("it holds none; PEM is wanted".to_owned())),
        false => Ok(all),
    }
}

fn unusable(message: String) -> Error {
    Error::new(Kind::Unavailable, message)
}
