//! The audit list: who has changed what.

use serde_json::{Value, json};

use super::{ask, detail, guarded, secret, send, tokens};
use crate::support::Redis;

// Long because one list is read in every way that there is.
#[test]
fn what_was_changed_stands_in_the_list_of_api_and_command_line() {
    let redis = Redis::own();
    let (setup, runner) = guarded(&redis, &tokens());
    let bearer = format!("Bearer {}", secret("admin"));
    let headers = [("authorization", &*bearer)];
    for _ in 0..3 {
        assert_eq!(
            send(&runner, "DELETE", "/api/session", &headers, None).status(),
            204
        );
    }
    let bearer = format!("Bearer {}", secret("viewer"));
    send(
        &runner,
        "DELETE",
        "/api/session",
        &[("authorization", &bearer)],
        None,
    );

    let all = ask(&runner, "admin", "GET", "/api/audit");
    assert_eq!(all.status, 200, "{all:?}");
    let entries = all.body["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    let newest = &entries[0];
    assert_eq!(newest["who"], "token:viewer");
    assert_eq!(newest["from"], "127.0.0.1");
    assert_eq!(
        (&newest["verb"], &newest["target"]),
        (&json!("logout"), &json!("token:viewer"))
    );
    assert_eq!(newest["count"], 1);
    assert!(newest["at"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(all.body.get("cursor"), None);

    let page = ask(
        &runner,
        "admin",
        "GET",
        "/api/audit?limit=2&who=token:admin",
    );
    assert_eq!(page.body["entries"].as_array().unwrap().len(), 2);
    let cursor = page.body["cursor"].as_str().unwrap();
    let rest = format!("/api/audit?limit=2&who=token:admin&cursor={cursor}");
    let rest = ask(&runner, "admin", "GET", &rest);
    assert_eq!(rest.body["entries"].as_array().unwrap().len(), 1);
    let forged = ask(
        &runner,
        "admin",
        "GET",
        &format!("/api/audit?cursor={cursor}"),
    );
    assert_eq!(forged.status, 400);
    assert!(
        detail(&forged).starts_with("the cursor is not one of this question"),
        "{forged:?}"
    );
    let none = ask(&runner, "admin", "GET", "/api/audit?limit=0");
    assert_eq!(
        (none.status, detail(&none)),
        (400, "limit is 0, and must be 1 to 1000")
    );

    let cli = setup.cli(&["audit", "--who", "token:admin", "--limit", "2", "--json"]);
    let cli: Value = serde_json::from_str(&cli.stdout).unwrap();
    assert_eq!(cli, page.body["entries"]);
    let text = setup.cli(&["audit", "--verb", "logout", "--since", "1h"]);
    assert_eq!(
        text.stdout.lines().next(),
        Some("at\twho\tfrom\tverb\ttarget\tcount")
    );
    assert_eq!(text.stdout.lines().count(), 5);
}

#[test]
fn an_answer_is_not_lost_when_the_list_cannot_be_written() {
    let redis = Redis::own();
    let (_setup, runner) = guarded(&redis, &tokens());
    let key = format!("{}:runner:audit", redis.prefix());
    redis.run::<()>(&["SET", &key, "no stream"]);
    let bearer = format!("Bearer {}", secret("admin"));
    let out = send(
        &runner,
        "DELETE",
        "/api/session",
        &[("authorization", &bearer)],
        None,
    );
    assert_eq!(out.status(), 204);
    runner.until_logged("the audit list was not written");
}
