//! TLS, and certificates that are renewed.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::blocking::Client;
use reqwest::tls::Certificate;

use super::address;
use crate::support::api::Api;
use crate::support::wire::Wire;
use crate::support::{Redis, Setup, until};

const TLS: &str = "[server]\nlisten = \"127.0.0.1:0\"\n\
    tls = { certificate = \"cert.pem\", key = \"key.pem\" }\n";

/// Put a new certificate and its key in place; returns the certificate.
fn renew(setup: &Setup) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    std::fs::write(setup.path("cert.pem"), cert.pem()).unwrap();
    std::fs::write(setup.path("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

/// A client that trusts this certificate alone.
fn trusts(pem: &str) -> Client {
    Api::prepare();
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([certificate]);
    client.build().unwrap()
}

#[test]
fn a_renewed_certificate_is_shown_to_the_next_client() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TLS);
    let first = renew(&setup);
    let runner = setup.serve();
    let url = format!("https://{}/livez", address(&runner, 0));
    assert_eq!(trusts(&first).get(&url).send().unwrap().status(), 200);
    let second = renew(&setup);
    until("the new certificate", || {
        trusts(&second).get(&url).send().is_ok().then_some(())
    });
    assert!(trusts(&first).get(&url).send().is_err());
}

#[test]
fn who_speaks_plain_http_is_told_so() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TLS);
    renew(&setup);
    let runner = setup.serve();
    let mut plain = Wire::to(&address(&runner, 0));
    let answer = plain
        .send("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .rest();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.ends_with("this port speaks TLS: write https:// here\n"),
        "{answer}"
    );
}

#[test]
fn files_that_do_not_fit_are_named() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, TLS);
    let ended = setup.cli(&["check"]);
    assert!(
        ended.stderr.contains(
            "`server.tls.certificate` cannot be read from cert.pem: there is no such file"
        ),
        "{ended:?}"
    );
    renew(&setup);
    let key = std::fs::read(setup.path("key.pem")).unwrap();
    renew(&setup);
    std::fs::write(setup.path("key.pem"), key).unwrap();
    let ended = setup.cli(&["serve"]);
    let told = "the HTTP API cannot listen: cert.pem and the key beside it do not belong together";
    assert!(ended.stderr.contains(told), "{ended:?}");
    std::fs::write(setup.path("cert.pem"), "nothing").unwrap();
    let ended = setup.cli(&["serve"]);
    let told = "cert.pem has no certificate; it must be PEM";
    assert!(ended.stderr.contains(told), "{ended:?}");
}
