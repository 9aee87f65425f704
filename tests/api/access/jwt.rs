//! JWTs: which are accepted, which are not, and what their claims give.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData};
use serde_json::{Value, json};

use super::{guarded, send};
use crate::support::{Redis, Runner, Setup, openssl, until};

const SECRET: &str = "a secret of the issuer, 32 bytes or more";
/// A key, and its public half.
static RSA: LazyLock<(String, String)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let text = |words: &[&str]| String::from_utf8(openssl(directory.path(), words)).unwrap();
    let key = text(&["genrsa", "2048"]);
    std::fs::write(directory.path().join("key.pem"), &key).unwrap();
    let public = text(&["pkey", "-in", "key.pem", "-pubout"]);
    (key, public)
});

/// `[server.jwt]` with these keys.
fn jwt(keys: &str) -> String {
    format!("[server.jwt]\nissuer = \"https://id.test/\"\naudience = \"runner\"\n{keys}\n")
}

/// Claims that are accepted, with these in their place.
fn claims(others: Value) -> Value {
    let now = get_current_timestamp();
    let mut claims = json!({
        "iss": "https://id.test/", "aud": "runner", "sub": "4711", "role": "operator",
        "exp": now + 300, "nbf": now - 10,
    });
    for (name, value) in others.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn hs256(others: Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    signed(Algorithm::HS256, &key, &claims(others))
}

/// Status and body for whoever shows this.
fn shown(runner: &Runner, token: &str) -> (u16, Value) {
    let bearer = format!("Bearer {token}");
    let answer = send(
        runner,
        "GET",
        "/api/session",
        &[("authorization", &bearer)],
        None,
    );
    (answer.status().as_u16(), answer.json().unwrap())
}

#[track_caller]
fn refused(runner: &Runner, token: &str, detail: &str) {
    let (status, body) = shown(runner, token);
    assert_eq!(
        (status, body["detail"].as_str().unwrap_or_default()),
        (401, detail)
    );
}

/// A server with a secret in its environment.
fn with_secret(redis: &Redis, keys: &str) -> (Setup, Runner) {
    let toml = jwt(&format!("secret = \"env:JWT_SECRET\"\n{keys}"));
    let setup = crate::api::served(redis, &toml).env("JWT_SECRET", SECRET);
    let runner = setup.serve();
    (setup, runner)
}

#[test]
fn a_jwt_is_accepted_for_its_issuer_audience_and_time_only() {
    let redis = Redis::shared();
    let (_setup, runner) = with_secret(&redis, "leeway = \"5s\"");
    let (status, session) = shown(&runner, &hs256(json!({})));
    assert_eq!((status, &session["name"]), (200, &json!("jwt:4711")));
    assert_eq!(session["role"], "operator");
    assert_eq!(
        shown(&runner, &hs256(json!({"aud": ["other", "runner"]}))).0,
        200
    );

    let now = get_current_timestamp();
    let wrong = [
        (json!({"exp": now - 60}), "the JWT has expired"),
        (json!({"exp": null}), "the JWT has no claim \"exp\""),
        (json!({"nbf": now + 60}), "the JWT is not yet valid"),
        (
            json!({"iss": "https://evil.test/"}),
            "the JWT is of another issuer",
        ),
        (json!({"iss": null}), "the JWT has no claim \"iss\""),
        (json!({"aud": "other"}), "the JWT is for another audience"),
        (json!({"aud": []}), "the JWT is for another audience"),
        (json!({"aud": null}), "the JWT has no claim \"aud\""),
        (
            json!({"sub": null}),
            "the JWT has no text in the claim \"sub\", which names the caller",
        ),
    ];
    for (others, detail) in wrong {
        refused(&runner, &hs256(others), detail);
    }
}

#[test]
fn a_jwt_with_another_signature_is_not_accepted() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let redis = Redis::shared();
    let (_setup, runner) = with_secret(&redis, "");
    let good = hs256(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts[..] else {
        panic!("{good}")
    };
    let none = |alg: &str| BASE64.encode(format!("{{\"alg\":\"{alg}\",\"typ\":\"JWT\"}}"));
    let admin = BASE64.encode(claims(json!({"role": "admin"})).to_string());
    let mut crit = Header::new(Algorithm::HS256);
    crit.crit = Some(vec!["b64".into()]);
    let key = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    let other = EncodingKey::from_secret(b"another secret of 32 bytes or more.").unwrap();
    let rs256 = EncodingKey::from_rsa_pem(RSA.0.as_bytes()).unwrap();
    for token in [
        format!("{}.{body}.", none("none")),
        format!("{}.{body}.{signature}", none("None")),
        format!("{}.{body}", none("none")),
        format!("{}.{body}.{signature}", none("HS512")),
        format!("{head}.{admin}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{}", &signature[..10]),
        format!("{good}."),
        format!("{good}.{signature}"),
        signed(Algorithm::HS256, &other, &claims(json!({}))),
        signed(Algorithm::RS256, &rs256, &claims(json!({}))),
        encode(&crit, &claims(json!({})), &key).unwrap(),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ] {
        refused(&runner, &token, "this token is not accepted");
    }
}

#[test]
fn each_kind_of_key_takes_its_own_algorithm_only() {
    let redis = Redis::shared();
    let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let kinds = [
        (
            RSA.1.clone(),
            Algorithm::RS256,
            EncodingKey::from_rsa_pem(RSA.0.as_bytes()).unwrap(),
        ),
        (
            p256.public_key_pem(),
            Algorithm::ES256,
            EncodingKey::from_ec_der(p256.serialized_der()),
        ),
        (
            ed25519.public_key_pem(),
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(ed25519.serialized_der()),
        ),
    ];
    for (public, algorithm, key) in &kinds {
        let setup = crate::api::served(&redis, &jwt("key = \"file:key.pem\""));
        std::fs::write(setup.path("key.pem"), public).unwrap();
        let runner = setup.serve();
        let good = signed(*algorithm, key, &claims(json!({})));
        let (status, body) = shown(&runner, &good);
        assert_eq!(status, 200, "{algorithm:?}: {body}");
        // The public key, which everybody has, is no secret of HS256.
        for secret in [public.as_bytes(), public.trim().as_bytes()] {
            let confused = signed(
                Algorithm::HS256,
                &EncodingKey::from_secret(secret).unwrap(),
                &claims(json!({"role": "admin"})),
            );
            refused(&runner, &confused, "this token is not accepted");
        }
        for (_, other, key) in kinds.iter().filter(|(_, other, _)| other != algorithm) {
            let foreign = signed(*other, key, &claims(json!({})));
            refused(&runner, &foreign, "this token is not accepted");
        }
    }
}

#[test]
fn claims_give_role_queues_and_payloads() {
    let redis = Redis::shared();
    let keys = "role_claim = \"realm.roles\"\nroles = { sre = \"admin\", dev = \"viewer\" }\n\
                queues_claim = \"https://id.test/queues\"\npayloads_claim = \"payloads\"\n\
                name_claim = \"email\"\nrole = \"viewer\"";
    let (_setup, runner) = with_secret(&redis, keys);
    let (status, session) = shown(
        &runner,
        &hs256(json!({
            "email": "ann@id.test", "realm": {"roles": ["dev", "sre", "x"]},
            "https://id.test/queues": ["otp-*"], "payloads": false,
        })),
    );
    assert_eq!(status, 200, "{session}");
    assert_eq!(session["name"], "jwt:ann@id.test");
    assert_eq!(
        (&session["role"], &session["payloads"]),
        (&json!("admin"), &json!(false))
    );
    assert_eq!(session["queues"], json!(["otp-*"]));
    // Without the claim there is no queue; `admin` is no value of ours here.
    let (_, session) = shown(
        &runner,
        &hs256(json!({"email": "bob", "realm": {"roles": "admin"}, "payloads": true})),
    );
    assert_eq!(
        (&session["role"], &session["queues"]),
        (&json!("viewer"), &json!([]))
    );
    assert_eq!(session["payloads"], true);
}

#[test]
fn who_has_no_role_may_do_nothing() {
    let redis = Redis::shared();
    let (_setup, runner) = with_secret(&redis, "");
    for role in [
        json!(null),
        json!("root"),
        json!(["Admin"]),
        json!({"admin": true}),
    ] {
        let (status, body) = shown(&runner, &hs256(json!({"role": role})));
        assert_eq!(status, 403, "{body}");
        assert_eq!(body["detail"], "this needs the role viewer");
    }
}

/// A key of P-256 as a JWK.
fn jwk(pair: &KeyPair, id: &str) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let point = &pair.der_bytes()[1..];
    let (x, y) = point.split_at(32);
    json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id,
        "x": BASE64.encode(x), "y": BASE64.encode(y),
    })
}

fn es256(pair: &KeyPair, id: &str) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(id.to_owned());
    let key = EncodingKey::from_ec_der(pair.serialized_der());
    encode(&header, &claims(json!({})), &key).unwrap()
}

#[test]
fn a_key_set_is_fetched_when_it_is_needed_and_when_a_key_is_new() {
    let redis = Redis::shared();
    let pairs: Vec<KeyPair> = (0..2)
        .map(|_| KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
        .collect();
    let set = Arc::new(Mutex::new(json!({"keys": [jwk(&pairs[0], "one")]})));
    let (url, asked) = issuer(set.clone());
    let (_setup, runner) = guarded(&redis, &jwt(&format!("jwks = \"{url}\"")));
    assert_eq!(shown(&runner, &es256(&pairs[0], "one")).0, 200);
    assert_eq!(shown(&runner, &es256(&pairs[0], "one")).0, 200);
    assert_eq!(*asked.lock().unwrap(), 1);
    refused(
        &runner,
        &es256(&pairs[1], "one"),
        "this token is not accepted",
    );
    let other = json!({"kty": "oct", "k": "c2VjcmV0"});
    *set.lock().unwrap() = json!({"keys": [jwk(&pairs[1], "two"), other]});
    // A stranger's made-up names do not make us ask again and again.
    for id in 0..20 {
        refused(
            &runner,
            &es256(&pairs[1], &format!("new-{id}")),
            "this token is not accepted",
        );
    }
    assert!(*asked.lock().unwrap() <= 2);
    until("the new key to be known", || {
        (shown(&runner, &es256(&pairs[1], "two")).0 == 200).then_some(())
    });
    refused(
        &runner,
        &es256(&pairs[0], "one"),
        "this token is not accepted",
    );
}

#[test]
fn without_its_keys_no_jwt_is_accepted_and_none_is_refused_for_good() {
    let redis = Redis::shared();
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let port = crate::support::redis::free_port();
    let url = format!("http://127.0.0.1:{port}/jwks.json");
    let (_setup, runner) = guarded(&redis, &jwt(&format!("jwks = \"{url}\"")));
    let (status, body) = shown(&runner, &es256(&pair, "one"));
    assert_eq!((status, &body["retry_after"]), (503, &json!(5)));
    assert_eq!(
        body["detail"],
        "the keys of JWTs cannot be fetched at the moment"
    );
    runner.until_logged("the keys of JWTs cannot be fetched");
}

#[test]
fn a_key_set_in_a_file_is_read_again_when_it_changes() {
    let redis = Redis::shared();
    let pairs: Vec<KeyPair> = (0..2)
        .map(|_| KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
        .collect();
    let setup = crate::api::served(&redis, &jwt("jwks = \"file:jwks.json\""));
    let set = |pair, id| json!({"keys": [jwk(pair, id)]}).to_string();
    std::fs::write(setup.path("jwks.json"), set(&pairs[0], "one")).unwrap();
    let runner = setup.serve();
    assert_eq!(shown(&runner, &es256(&pairs[0], "one")).0, 200);
    std::fs::write(setup.path("jwks.json"), set(&pairs[1], "two")).unwrap();
    until("the new key to be known", || {
        (shown(&runner, &es256(&pairs[1], "two")).0 == 200).then_some(())
    });
    refused(
        &runner,
        &es256(&pairs[0], "one"),
        "this token is not accepted",
    );
}

/// Somebody who serves this key set: the URL, and how often it was asked for.
fn issuer(set: Arc<Mutex<Value>>) -> (String, Arc<Mutex<u32>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            *count.lock().unwrap() += 1;
            let body = set.lock().unwrap().to_string();
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (url, asked)
}
