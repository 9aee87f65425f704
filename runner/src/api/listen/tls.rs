//! The certificate that a server shows.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Certificate;

/// What every TLS connection begins with (RFC 8446, 5.1: a handshake record).
pub(super) const HANDSHAKE: u8 = 0x16;

/// What somebody is told who speaks plain HTTP here.
pub(super) const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\ncontent-length: 42\r\nconnection: close\r\n\r\n\
    this port speaks TLS: write https:// here\n";

/// Take connections as who the certificate says.
///
/// # Errors
/// What is wrong with the files.
pub(super) fn acceptor(certificate: &Certificate) -> Result<TlsAcceptor, String> {
    let file = certificate.file.display();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{file} is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{file} has no certificate; it must be PEM"));
    }
    let key = PrivateKeyDer::from_pem_slice(certificate.key.0.as_bytes());
    let key = key.map_err(|error| format!("the key beside {file} cannot be read: {error}"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("{file} and the key beside it do not belong together")
            }
            error => format!("{file} cannot be used: {error}"),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
