//! The jobs of a queue by the page.

use std::collections::BTreeSet;

use super::{refuses, serve};
use crate::operate::admin::fill;

#[test]
fn pages_follow_each_other_by_their_cursor() {
    let server = serve();
    fill(&server.redis, "q", "failed", 130);
    fill(&server.redis, "q", "wait", 30);
    let (mut seen, mut pages, mut cursor) = (BTreeSet::new(), 0, String::new());
    loop {
        let path = format!("/api/queues/q/jobs?state=failed,waiting&limit=60{cursor}");
        let page = server.api.get(&path).body;
        for job in page["jobs"].as_array().expect("a page") {
            assert!(seen.insert(job["id"].as_str().expect("an id").to_owned()));
        }
        pages += 1;
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (160, 3));
    let even = server
        .api
        .get("/api/queues/q/jobs?name=ev*&state=waiting")
        .body;
    assert_eq!(even["jobs"].as_array().map(Vec::len), Some(15));
}

#[test]
fn what_cannot_be_a_page_is_refused() {
    let server = serve();
    fill(&server.redis, "q", "failed", 3);
    let get = |query: &str| server.api.get(&format!("/api/queues/q/jobs?{query}"));
    refuses(
        &get("state=wating"),
        400,
        "invalid-request",
        "the state \"wating\" is unknown; did you mean \"waiting\"?",
    );
    refuses(
        &get("limit=1001"),
        400,
        "invalid-request",
        "limit=1001 is out of bounds; it is 1 to 1000, and the cursor goes on",
    );
    let first = get("limit=2").body;
    let cursor = first["cursor"].as_str().expect("there is more");
    for forged in [
        format!("limit=2&state=failed&cursor={cursor}"),
        format!("cursor=A{cursor}"),
        "cursor=".to_owned(),
    ] {
        refuses(
            &get(&forged),
            400,
            "invalid-cursor",
            "the cursor is not one of this question: it was changed, or made for another queue \
             or filter; begin without a cursor",
        );
    }
    let wrong = get("q=foo:bar:");
    assert_eq!(
        (wrong.status, &wrong.body["type"]),
        (400, &"/problems/invalid-filter".into())
    );
}
