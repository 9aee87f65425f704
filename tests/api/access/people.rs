//! People: passwords, sessions, and too many attempts.

use reqwest::blocking::Response;
use serde_json::{Value, json};

use super::{guarded, send, text};
use crate::support::{Redis, Setup, until};

pub(super) const PASSWORD: &str = "correct horse battery";

/// `[server.users.ann]` with the hash that `runner api password` makes.
pub(super) fn ann(redis: &Redis, keys: &str) -> String {
    use std::io::Write;
    use std::process::Stdio;
    let setup = Setup::new(redis, "");
    let mut command = setup.command();
    let command = command.args(["api", "password"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = format!("{PASSWORD}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let hash = String::from_utf8(output.stdout).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
    format!(
        "[server.users.ann]\npassword = \"{}\"\n{keys}\n",
        hash.trim()
    )
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let both = format!("{user}:{password}");
    let both = base64::engine::general_purpose::STANDARD.encode(both);
    format!("Basic {both}")
}

pub(super) fn login(
    runner: &crate::support::Runner,
    password: &str,
    headers: &[(&str, &str)],
) -> Response {
    let body = json!({"user": "ann", "password": password});
    send(runner, "POST", "/api/session", headers, Some(body))
}

pub(super) fn cookie(response: &Response) -> (String, String) {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    (pair.to_owned(), attributes.to_owned())
}

#[test]
fn a_password_lets_its_user_in() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &ann(&redis, "role = \"operator\""));
    let ask = |credentials: &str| {
        let headers = [("authorization", credentials)];
        send(&runner, "GET", "/api/session", &headers, None)
    };
    for _ in 0..2 {
        let session: Value = ask(&basic("ann", PASSWORD)).json().unwrap();
        assert_eq!(session["name"], "user:ann");
        assert_eq!(session["role"], "operator");
    }
    for (user, password) in [("ann", "wrong"), ("bob", PASSWORD), ("ann", "")] {
        let refused = ask(&basic(user, password));
        assert_eq!(refused.status(), 401);
        let challenges: Vec<_> = refused
            .headers()
            .get_all("www-authenticate")
            .iter()
            .collect();
        assert_eq!(
            challenges,
            [
                "Bearer realm=\"runner\"",
                "Basic realm=\"runner\", charset=\"UTF-8\""
            ]
        );
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["detail"], "the user or the password is wrong");
    }
    // A script's user is not asked for a password by the browser.
    let script = send(
        &runner,
        "GET",
        "/api/session",
        &[("sec-fetch-mode", "cors")],
        None,
    );
    assert_eq!(
        script.headers().get_all("www-authenticate").iter().count(),
        1
    );
}

#[test]
fn a_session_lasts_until_its_end_a_logout_or_another_password() {
    let redis = Redis::own();
    let toml = format!("session = \"1h\"\n{}", ann(&redis, ""));
    let (setup, runner) = guarded(&redis, &toml);
    let refused = login(&runner, "wrong", &[]);
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers().get("set-cookie")
        ),
        (401, None)
    );

    let first = login(&runner, PASSWORD, &[]);
    assert_eq!(first.status(), 201);
    let (first, attributes) = cookie(&first);
    assert!(first.starts_with("runner-session="), "{first}");
    assert_eq!(
        attributes,
        "Max-Age=3600; Path=/; HttpOnly; SameSite=Strict"
    );
    let second = login(
        &runner,
        PASSWORD,
        &[("origin", &format!("http://{}", runner.api().address()))],
    );
    let (second, _) = cookie(&second);
    assert_ne!(first, second);

    let who = |cookie: &str| send(&runner, "GET", "/api/session", &[("cookie", cookie)], None);
    let session: Value = who(&first).json().unwrap();
    assert_eq!(session["name"], "user:ann");
    assert!(session["expires"].is_u64(), "{session}");
    // Redis does not have what browsers show.
    let id = first.split_once('=').unwrap().1.to_owned();
    let pattern = format!("{}:runner:session:*", redis.prefix());
    let keys = redis.run::<Vec<String>>(&["KEYS", &pattern]);
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| !key.contains(&id)), "{keys:?}");

    let out = send(
        &runner,
        "DELETE",
        "/api/session",
        &[("cookie", &first)],
        None,
    );
    assert_eq!(out.status(), 204);
    assert_eq!(who(&first).status(), 401);
    assert_eq!(who(&second).status(), 200);

    let new = ann(&redis, "");
    let old = toml.split_once("password").unwrap().1;
    let new = new.split_once("password").unwrap().1;
    setup.write(&text(&setup).replace(old.trim_end(), new.trim_end()));
    until("the session to end", || {
        (who(&second).status() == 401).then_some(())
    });
}

#[test]
fn over_tls_at_a_proxy_the_cookie_is_bound_to_the_host() {
    let redis = Redis::shared();
    let toml = format!("hosts = [\"ops.example.com\"]\n{}", ann(&redis, ""));
    let (_setup, runner) = guarded(&redis, &toml);
    let headers = [
        ("origin", "https://ops.example.com"),
        ("host", "ops.example.com"),
    ];
    let (pair, attributes) = cookie(&login(&runner, PASSWORD, &headers));
    assert!(pair.starts_with("__Host-runner="), "{pair}");
    assert!(
        attributes.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{attributes}"
    );
}

#[test]
fn after_some_attempts_the_next_must_wait() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &ann(&redis, ""));
    let (good, _) = cookie(&login(&runner, PASSWORD, &[]));
    let mut tries = (0..20).map(|_| login(&runner, "wrong", &[]));
    let last = tries.find(|answer| answer.status() == 429);
    let last = last.expect("more than a few attempts are refused");
    assert!(last.headers().contains_key("retry-after"));
    let problem: Value = last.json().unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("too many passwords were tried; the next may come in"),
        "{detail}"
    );
    // The right one must wait, too, but whoever is in stays in.
    assert_eq!(login(&runner, "also wrong", &[]).status(), 429);
    let who = send(&runner, "GET", "/api/session", &[("cookie", &good)], None);
    assert_eq!(who.status(), 200);
}

#[test]
fn without_users_nobody_logs_in() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, "");
    let answer = login(&runner, PASSWORD, &[]);
    assert_eq!(answer.status(), 409);
    let problem: Value = answer.json().unwrap();
    assert_eq!(
        problem["detail"],
        "nobody needs to log in here: [server] has no users"
    );
}
