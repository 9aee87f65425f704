//! TLS to Redis: authorities of one's own, certificates that sign themselves, pins,
//! no verification at all, and certificates of clients; to one server, through
//! Sentinels and to the nodes of a Cluster.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::engine::works;
use crate::support::redis::free_port;
use crate::support::server::Server;
use crate::support::{Redis, Setup, guest, openssl, until};

/// `NAME.pem` and `NAME.key`, as the usual recipe makes them: a certificate that
/// signs itself and calls itself an authority.
fn self_signed(directory: &Path, name: &str, more: &[&str]) {
    let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
    let subject = format!("/CN={name}");
    let mut words = vec![
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    ];
    words.extend(["-keyout", &key, "-out", &certificate, "-subj", &subject]);
    words.extend(more);
    openssl(directory, &words);
}

/// SHA-256 of what `openssl` makes of a certificate, as a pin.
fn pin(der: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(der);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("pin=sha256:{digits}")
}

struct Tls {
    directory: TempDir,
    port: u16,
    _server: Server,
}

impl Tls {
    /// A server with the certificate `NAME.pem` of this directory.
    fn start(directory: TempDir, name: &str, clients: &str) -> Tls {
        let port = free_port();
        let server = Server::start(
            directory.path(),
            &[
                &["--tls-port", &port.to_string()],
                &options(name, clients)[..],
            ]
            .concat(),
        );
        Tls {
            directory,
            port,
            _server: server,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn url(&self, options: &str) -> String {
        format!("rediss://127.0.0.1:{}{options}", self.port)
    }

    /// `?ca=` with a file of the directory.
    fn ca(&self, name: &str) -> String {
        self.url(&format!("?ca={}", self.file(name).display()))
    }

    /// Why this address is not dialled.
    #[track_caller]
    fn refused(&self, url: &str) -> String {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let redis = runner::queue::Redis::new(url, "bull").unwrap();
        let error = runtime.block_on(redis.ping()).unwrap_err().to_string();
        let head = format!("Redis at 127.0.0.1:{} (TLS) cannot be reached: ", self.port);
        let reason = error.strip_prefix(&head);
        reason.unwrap_or_else(|| panic!("{error}")).to_owned()
    }
}

/// TLS options of a server in the directory where it runs.
fn options<'a>(name: &'a str, clients: &'a str) -> Vec<&'a str> {
    let files: [&'a str; 2] = match name {
        "server" => ["server.pem", "server.key"],
        "leaf" => ["leaf.pem", "leaf.key"],
        other => panic!("no certificate {other}"),
    };
    vec![
        "--tls-cert-file",
        files[0],
        "--tls-key-file",
        files[1],
        "--tls-ca-cert-file",
        files[0],
        "--tls-auth-clients",
        clients,
    ]
}

#[test]
fn a_certificate_that_signs_itself_is_trusted_when_it_is_given() {
    for names in [&["-addext", "subjectAltName=IP:127.0.0.1"][..], &[]] {
        let directory = TempDir::new().unwrap();
        self_signed(directory.path(), "server", names);
        self_signed(directory.path(), "other", names);
        let tls = Tls::start(directory, "server", "no");
        works(&tls.ca("server.pem"), "bull");

        // Another one that says the same of itself is not it.
        let refused = tls.refused(&tls.ca("other.pem"));
        assert!(
            refused.starts_with("its certificate is signed by itself: "),
            "{refused}"
        );

        // The file is read at each new connection.
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let redis = runner::queue::Redis::new(&tls.ca("other.pem"), "bull").unwrap();
        runtime.block_on(redis.ping()).unwrap_err();
        std::fs::copy(tls.file("server.pem"), tls.file("other.pem")).unwrap();
        until("the new certificate to be read", || {
            runtime.block_on(redis.ping()).ok()
        });
    }
}

#[test]
fn what_is_given_must_still_have_the_right_name_and_a_pin_need_not() {
    let directory = TempDir::new().unwrap();
    self_signed(
        directory.path(),
        "server",
        &["-addext", "subjectAltName=DNS:elsewhere.test"],
    );
    let tls = Tls::start(directory, "server", "no");
    let der = |words: &[&str]| pin(&openssl(tls.directory.path(), words));
    let whole = der(&["x509", "-in", "server.pem", "-outform", "DER"]);
    let key = der(&["pkey", "-in", "server.key", "-pubout", "-outform", "DER"]);

    let refused = tls.refused(&tls.ca("server.pem"));
    assert!(refused.contains("elsewhere.test"), "{refused}");
    assert!(
        refused.ends_with(&format!("; with {whole} it is trusted all the same")),
        "{refused}"
    );
    let unknown = tls.refused(&tls.url(""));
    assert_eq!(
        unknown,
        format!(
            "its certificate is signed by itself: name a file with the authority, or with this \
             certificate, in ca=FILE; or trust it by {whole} once you know that it is the server's"
        )
    );

    works(&tls.url(&format!("?{whole}")), "whole");
    works(&tls.url(&format!("?{key}")), "key");
    works(&tls.url("?verify=none"), "anybody");
    let other = "0".repeat(64);
    assert_eq!(
        tls.refused(&tls.url(&format!("?pin=sha256:{other}"))),
        format!(
            "its certificate is not the pinned one, but {}",
            whole.trim_start_matches("pin=")
        )
    );
}

#[test]
fn a_certificate_that_is_given_must_not_have_expired() {
    let directory = TempDir::new().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    certificate.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let der = certificate.self_signed(&key).unwrap();
    write(directory.path(), "server.pem", "CERTIFICATE", der.der());
    write(
        directory.path(),
        "server.key",
        "PRIVATE KEY",
        &key.serialize_der(),
    );
    let tls = Tls::start(directory, "server", "no");
    let refused = tls.refused(&tls.ca("server.pem"));
    assert!(refused.contains("expired"), "{refused}");
    works(&tls.url(&format!("?{}", pin(der.der()))), "bull");
}

fn write(directory: &Path, name: &str, kind: &str, der: &[u8]) {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n");
    std::fs::write(directory.join(name), pem).unwrap();
}

/// An authority `ca.pem`, and `NAME.pem` with its key, which it has signed.
fn with_authority(directory: &Path, name: &str) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    write(directory, "ca.pem", "CERTIFICATE", ca.der());
    write(
        directory,
        &format!("{name}.pem"),
        "CERTIFICATE",
        certificate.der(),
    );
    write(
        directory,
        &format!("{name}.key"),
        "PRIVATE KEY",
        &key.serialize_der(),
    );
}

#[test]
fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let directory = TempDir::new().unwrap();
    with_authority(directory.path(), "leaf");
    let tls = Tls::start(directory, "leaf", "no");
    works(&tls.ca("ca.pem"), "bull");
    let refused = tls.refused(&tls.url(""));
    assert!(
        refused.starts_with("its certificate is signed by nobody who is trusted: "),
        "{refused}"
    );
}

#[test]
fn a_server_that_wants_certificates_of_clients_is_given_one() {
    let directory = TempDir::new().unwrap();
    self_signed(directory.path(), "server", &[]);
    self_signed(directory.path(), "other", &[]);
    let tls = Tls::start(directory, "server", "yes");
    let with = |certificate: &str, key: &str| {
        let (certificate, key) = (tls.file(certificate), tls.file(key));
        let (certificate, key) = (certificate.display(), key.display());
        format!("{}&cert={certificate}&key={key}", tls.ca("server.pem"))
    };
    works(&with("server.pem", "server.key"), "bull");
    let refused = tls.refused(&tls.ca("server.pem"));
    assert!(refused.contains("CertificateRequired"), "{refused}");
    let plain = tls.url("").replace("rediss://", "redis://");
    let redis = runner::queue::Redis::new(&plain, "bull").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(redis.ping()).unwrap_err().to_string();
    assert!(
        refused.ends_with("; if it speaks TLS, write rediss://"),
        "{refused}"
    );

    let wrong = |url: &str| {
        runner::queue::Redis::new(url, "bull")
            .unwrap_err()
            .to_string()
    };
    let unmatched = wrong(&with("server.pem", "other.key"));
    assert!(
        unmatched.starts_with("the Redis URL is not usable: cert and key do not belong together: "),
        "{unmatched}"
    );
    let key = tls.file("server.key").display().to_string();
    assert_eq!(
        wrong(&with("server.key", "server.key")),
        format!(
            "the Redis URL is not usable: the certificates of cert cannot be read: {key}: it \
             holds none; PEM is wanted"
        )
    );
}

#[test]
fn sentinels_and_nodes_of_a_cluster_are_dialled_as_the_url_says() {
    let directory = TempDir::new().unwrap();
    self_signed(
        directory.path(),
        "server",
        &["-addext", "subjectAltName=IP:127.0.0.1"],
    );
    let own = directory.path().join("sentinel");
    std::fs::create_dir(&own).unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let ca = path("server.pem");
    let (master, sentinel) = (free_port().to_string(), free_port());
    let tls = [
        "--tls-cert-file",
        &path("server.pem"),
        "--tls-key-file",
        &path("server.key"),
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ];
    let redis = [&["--tls-port", &master, "--requirepass", "pw"], &tls[..]].concat();
    let _master = Server::start(directory.path(), &redis);
    // A Sentinel with the password of the servers, as some charts set it up.
    let port = sentinel.to_string();
    let _sentinel = Server::sentinel(
        &own,
        &format!(
            "requirepass pw\nsentinel monitor mymaster 127.0.0.1 {master} 1\n\
             sentinel auth-pass mymaster pw\n"
        ),
        &[&["--tls-port", &port, "--tls-replication", "yes"], &tls[..]].concat(),
    );
    let url = format!("rediss+sentinel://:pw@127.0.0.1:{sentinel}/mymaster?ca={ca}");
    until_answered(&url, "bull");
    works(&url, "bull");

    let own = directory.path().join("node");
    std::fs::create_dir(&own).unwrap();
    let (port, bus) = (free_port().to_string(), free_port().to_string());
    let cluster = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--tls-cluster",
        "yes",
    ];
    let node = Server::start(
        &own,
        &[&["--tls-port", &port], &cluster[..], &tls[..]].concat(),
    );
    node.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let url = format!("rediss+cluster://127.0.0.1:{port}?ca={ca}");
    until_answered(&url, "{bull}");
    works(&url, "{bull}");
}

/// Sentinels and Clusters take a moment until they know themselves.
#[track_caller]
fn until_answered(url: &str, prefix: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let redis = runner::queue::Redis::new(url, prefix).unwrap();
    let queue = queue_of(&redis);
    until("the server to take jobs", || {
        runtime.block_on(queue.add(&[])).ok()?;
        runtime.block_on(queue.counts()).ok()
    });
}

fn queue_of(redis: &runner::queue::Redis) -> runner::queue::Queue {
    let settings = crate::support::sandbox::undeclared("orders");
    runner::queue::Queue::new(redis.clone(), settings)
}

#[test]
fn serving_without_verification_is_said_at_each_start_and_by_check() {
    let directory = TempDir::new().unwrap();
    self_signed(directory.path(), "server", &[]);
    let tls = Tls::start(directory, "server", "no");
    let (url, redis) = (tls.url("?verify=none"), Redis::shared());
    let toml = format!("[redis]\nurl = {url:?}\n\n[queues.a]\nplugin = \"noop\"\n");
    let setup = Setup::new(&redis, &toml).plugin("noop", &guest("noop"));
    let warning = "queues.toml:2: `redis.url` has verify=none: whoever answers at this address is taken for Redis and is given its password; pin=sha256:… or ca=FILE is as easy and safe";
    let mut runner = setup.serve();
    runner.until_logged(warning);
    assert!(runner.stop().success());
    let check = setup.cli(&["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(
        check.stderr.contains(warning) || check.stdout.contains(warning),
        "{check:?}"
    );

    // Commands dial as `serve` does.
    let added = setup.cli(&["add", "a", "n", "{}"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let listed = setup.cli(&["queue", "list", "--redis", &tls.ca("server.pem")]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
}
