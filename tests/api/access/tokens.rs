//! Tokens of programs: roles, queues, the end of their time, and making one.

use serde_json::json;

use super::{ask, detail, guarded, send, text, token, tokens};
use crate::support::{Redis, Setup, until};

#[test]
fn a_token_says_who_calls_and_what_for() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &tokens());
    let admin = ask(&runner, "admin", "GET", "/api/session");
    assert_eq!(
        (admin.status, admin.body),
        (
            200,
            json!({"name": "token:admin", "role": "admin", "queues": null, "payloads": true})
        )
    );
    let mine = ask(&runner, "mine", "GET", "/api/session");
    assert_eq!(mine.body["queues"], json!(["my-*"]));
    assert_eq!(
        ask(&runner, "viewer", "GET", "/api/session").body["payloads"],
        false
    );
}

#[test]
fn without_one_or_with_a_wrong_or_old_one_nothing_is_answered() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &tokens());
    let api = runner.api();
    let none = api.get("/api/session");
    assert_eq!(none.status, 401);
    assert_eq!(
        detail(&none),
        "this needs credentials: send Authorization: Bearer and a token"
    );
    assert_eq!(api.get("/api/nothing").status, 401);
    let wrong = ask(&runner, "nobody", "GET", "/api/session");
    assert_eq!(
        (wrong.status, detail(&wrong)),
        (401, "this token is not accepted")
    );
    let old = ask(&runner, "old", "GET", "/api/session");
    assert_eq!(
        (old.status, detail(&old)),
        (401, "these credentials have expired")
    );
    let challenge = send(&runner, "GET", "/api/session", &[], None);
    assert_eq!(
        challenge.headers()["www-authenticate"],
        "Bearer realm=\"runner\""
    );
    // Probes need none.
    assert_eq!(api.get("/livez").status, 200);
}

#[test]
fn a_role_or_a_queue_too_few_is_refused_whether_or_not_the_thing_is_there() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, &tokens());
    let low = ask(&runner, "viewer", "GET", "/api/audit");
    assert_eq!(
        (low.status, detail(&low)),
        (403, "this needs the role admin")
    );
    let all = ask(&runner, "mine", "GET", "/api/audit");
    assert_eq!(
        (all.status, detail(&all)),
        (
            403,
            "this concerns all queues, and these credentials are for some only"
        )
    );
    for queue in ["theirs", "no-such-queue", "%74heirs", "my", "MY-1"] {
        let path = format!("/api/jobs/stats/{queue}");
        let foreign = ask(&runner, "mine", "GET", &path);
        assert_eq!(foreign.status, 403, "{queue}: {foreign:?}");
        assert!(
            detail(&foreign).ends_with("is none of those of these credentials"),
            "{foreign:?}"
        );
    }
}

#[test]
fn a_token_that_is_removed_stops_working_at_once() {
    let redis = Redis::shared();
    let (setup, runner) = guarded(&redis, &tokens());
    assert_eq!(ask(&runner, "viewer", "GET", "/api/session").status, 200);
    let kept = token("admin", "role = \"admin\"");
    setup.write(&text(&setup).replace(&tokens(), &kept));
    until("the token to be gone", || {
        (ask(&runner, "viewer", "GET", "/api/session").status == 401).then_some(())
    });
    assert_eq!(ask(&runner, "admin", "GET", "/api/session").status, 200);
}

#[test]
fn a_new_token_is_shown_once_and_its_lines_let_it_in() {
    let redis = Redis::shared();
    let setup = Setup::new(&redis, "");
    let made = setup.cli(&[
        "api",
        "token",
        "ci",
        "--role",
        "operator",
        "--queues",
        "my-*,mail",
        "--payloads",
        "true",
        "--expires",
        "90d",
        "--json",
    ]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let token = made["token"].as_str().unwrap();
    let lines = made["toml"].as_str().unwrap();
    assert!(
        token.starts_with("runner_") && !lines.contains(token),
        "{made}"
    );
    let (_setup, runner) = guarded(&redis, lines);
    let bearer = format!("Bearer {token}");
    let session = send(
        &runner,
        "GET",
        "/api/session",
        &[("authorization", &bearer)],
        None,
    );
    let session: serde_json::Value = session.json().unwrap();
    assert_eq!(session["name"], "token:ci");
    assert_eq!(session["queues"], json!(["my-*", "mail"]));
    assert_eq!(
        (&session["role"], &session["payloads"]),
        (&json!("operator"), &json!(true))
    );
    assert!(session["expires"].is_u64(), "{session}");

    let text = setup.cli(&["api", "token"]);
    assert_eq!(text.stdout.lines().count(), 1);
    assert!(
        text.stderr
            .contains("[server.tokens.new]\ntoken = \"sha256:"),
        "{text:?}"
    );
    let wrong = setup.cli(&["api", "token", "--expires", "soon"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong
            .stderr
            .contains("\"soon\" is no time: write 90d, 12h or 2027-01-01T00:00:00Z"),
        "{wrong:?}"
    );
}

#[test]
fn where_nobody_must_say_who_they_are_everybody_is_local() {
    let redis = Redis::shared();
    let (_setup, runner) = guarded(&redis, "");
    let session = send(&runner, "GET", "/api/session", &[], None);
    let session: serde_json::Value = session.json().unwrap();
    assert_eq!(
        (&session["name"], &session["role"]),
        (&json!("local"), &json!("admin"))
    );
}
