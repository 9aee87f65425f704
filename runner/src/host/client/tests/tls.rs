//! TLS: who is trusted.

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server with a certificate of its own for this name: its port, and the
/// certificate.
async fn secured(name: &str) -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut request = vec![0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecure")
                    .await;
            });
        }
    });
    (port, certificate)
}

/// Requests to `name`, which resolves to this machine.
fn http() -> Http {
    Http::new(Handle::current()).with_resolver(resolving(&["127.0.0.1".parse().unwrap()]))
}

fn trusting(certificate: CertificateDer<'static>) -> Http {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Http { tls, ..http() }
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let (port, _) = secured("api.test").await;
    let url = format!("https://api.test:{port}");
    let grant = http().grant(&plugin(&[&url], &["127.0.0.0/8"]));
    assert_eq!(
        text("tls", grant.send(&caller(), get(&url)).await),
        "the certificate of api.test is not trusted: UnknownIssuer"
    );
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_for_its_own_name_only() {
    let (port, certificate) = secured("api.test").await;
    let (own, other) = (
        format!("https://api.test:{port}"),
        format!("https://other.test:{port}"),
    );
    let grant = trusting(certificate).grant(&plugin(&[&own, &other], &["127.0.0.0/8"]));
    let response = grant.send(&caller(), get(&own)).await.unwrap();
    assert_eq!(response.body, b"secure");
    let text = text("tls", grant.send(&caller(), get(&other)).await);
    assert!(
        text.starts_with("the certificate of other.test is not trusted: "),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await.unwrap();
    });
    assert_eq!(
        text("tls", grant(&[&url]).send(&caller(), get(&url)).await),
        "the TLS handshake with 127.0.0.1 failed: received corrupt message of type InvalidContentType"
    );
}

#[tokio::test]
async fn a_handshake_that_is_cut_off_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 600];
        let _ = stream.read(&mut hello).await;
    });
    let text = text("tls", grant(&[&url]).send(&caller(), get(&url)).await);
    assert!(
        text.starts_with("the TLS handshake with 127.0.0.1 failed: "),
        "{text}"
    );
}
