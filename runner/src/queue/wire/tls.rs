//! TLS to Redis: by what its certificate is known. Files are read at each dial, so
//! that certificates that were renewed are taken up.
//!
//! A certificate that signs itself, as `openssl req -x509` makes it, calls itself an
//! authority, which webpki accepts of no server. OpenSSL, and so Node, does when the
//! certificate itself is given as trusted, and so do we.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::config::{Tls, Trust};

/// How to talk to the server, and whom to take it for.
///
/// # Errors
/// Which file cannot be used, and why.
pub(in crate::queue) fn client(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier {
        check: Check::of(&tls.trust, &provider)?,
        provider: provider.clone(),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((cert, key)) = &tls.identity else {
        return Ok(config.with_no_client_auth());
    };
    let chain = certificates("cert", cert)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("the key of key cannot be read: {}: {error}", key.display()))?;
    config
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("cert and key do not belong together: {error}"))
}

/// All certificates of a PEM file.
fn certificates(option: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unread = |why: &dyn fmt::Display| {
        let file = file.display();
        format!("the certificates of {option} cannot be read: {file}: {why}")
    };
    let pem = std::fs::read(file).map_err(|error| unread(&error))?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unread(&error))?;
    match all.is_empty() {
        true => Err(unread(&"it holds none; PEM is wanted")),
        false => Ok(all),
    }
}

#[derive(Debug)]
enum Check {
    Nothing,
    Pins(Vec<[u8; 32]>),
    Chain {
        webpki: Arc<WebPkiServerVerifier>,
        /// Trusted as they stand.
        given: Vec<CertificateDer<'static>>,
    },
}

impl Check {
    fn of(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Check, String> {
        let mut roots = RootCertStore::empty();
        let given = match trust {
            Trust::Anybody => return Ok(Check::Nothing),
            Trust::Pins(pins) => return Ok(Check::Pins(pins.clone())),
            Trust::Public => {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                Vec::new()
            }
            Trust::File(file) => {
                let given = certificates("ca", file)?;
                for certificate in &given {
                    roots.add(certificate.clone()).map_err(|error| {
                        let file = file.display();
                        format!("the certificates of ca cannot be used: {file}: {error}")
                    })?;
                }
                given
            }
        };
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let webpki = webpki.build().map_err(|error| error.to_string())?;
        Ok(Check::Chain { webpki, given })
    }
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trusted = match &self.check {
            Check::Nothing => return Ok(ServerCertVerified::assertion()),
            Check::Pins(pins) => pinned(end_entity, pins),
            Check::Chain { webpki, given } => webpki
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map(drop)
                .or_else(|error| match given.contains(end_entity) {
                    true => as_given(end_entity, server_name, error),
                    false => Err(error),
                }),
        };
        match trusted {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => Err(Error::General(way_out(&self.check, end_entity, &error))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.check {
            Check::Nothing => Ok(HandshakeSignatureValid::assertion()),
            _ => {
                let known = &self.provider.signature_verification_algorithms;
                verify_tls12_signature(message, cert, dss, known)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.check {
            Check::Nothing => Ok(HandshakeSignatureValid::assertion()),
            _ => {
                let known = &self.provider.signature_verification_algorithms;
                verify_tls13_signature(message, cert, dss, known)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}

/// The server has a certificate that was given to us as trusted: its dates, which
/// webpki looks at first, and its names, if it has any, must still be right. The
/// common name is none.
fn as_given(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    refused: Error,
) -> Result<(), Error> {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForNameContext, NotValidYet, NotValidYetContext,
    };
    if let Error::InvalidCertificate(
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
    ) = refused
    {
        return Err(refused);
    }
    match verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name) {
        Err(Error::InvalidCertificate(NotValidForNameContext { presented, .. }))
            if presented.is_empty() =>
        {
            Ok(())
        }
        named => named,
    }
}

/// The certificate, or its public key, is one of these. Its dates and names are
/// nobody's concern then.
fn pinned(certificate: &CertificateDer<'_>, pins: &[[u8; 32]]) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let key = parsed.subject_public_key_info();
    let found = [Sha256::digest(certificate), Sha256::digest(&key)];
    let known = pins
        .iter()
        .any(|pin| found.iter().any(|of| of[..] == pin[..]));
    known.then_some(()).ok_or(Error::InvalidCertificate(
        CertificateError::ApplicationVerificationFailure,
    ))
}

/// Why the certificate is refused, and what can be done about it.
fn way_out(check: &Check, certificate: &CertificateDer<'_>, error: &Error) -> String {
    use CertificateError::{ApplicationVerificationFailure, UnknownIssuer};
    let digest = Sha256::digest(certificate);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let why = match (check, error) {
        (Check::Pins(_), Error::InvalidCertificate(ApplicationVerificationFailure)) => {
            return format!("its certificate is not the pinned one, but sha256:{digest}");
        }
        (_, Error::InvalidCertificate(UnknownIssuer)) => {
            "its certificate is signed by nobody who is trusted".to_owned()
        }
        // What webpki says of it is no variant of its own.
        _ if error.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is signed by itself".to_owned()
        }
        _ => return format!("{error}; with pin=sha256:{digest} it is trusted all the same"),
    };
    format!(
        "{why}: name a file with the authority, or with this certificate, in ca=FILE; or trust it \
         by pin=sha256:{digest} once you know that it is the server's"
    )
}

/// What [`way_out`] said, without the words of rustls around it.
pub(in crate::queue) fn plain(error: std::io::Error) -> std::io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(Error::General(why)) => std::io::Error::other(why.clone()),
        _ => error,
    }
}
