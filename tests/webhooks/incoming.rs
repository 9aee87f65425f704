//! Each scheme takes what its official library signs, and nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{KEY, request, seconds, signed, waiting};
use crate::api::served;
use crate::support::api::{Api, answer};
use crate::support::{Node, Redis, Runner, Setup};

const TOML: &str = r#"
[queues.hooks]

[[routes]]
path = "/hooks/shopify"
queue = "hooks"
name = "{header.X-Shopify-Topic}"
payload = { shop = "{header.X-Shopify-Shop-Domain}", order = "{body}" }
[routes.verify]
scheme = "shopify"
secret = ["env:NEW_SECRET", "env:SECRET"]

[[routes]]
path = "/hooks/github"
queue = "hooks"
name = "{header.X-GitHub-Event}.{body.action}"
verify = { scheme = "github", secret = "env:SECRET" }

[[routes]]
path = "/hooks/stripe"
queue = "hooks"
name = "{body.type}"
id = "stripe-{body.id}"
verify = { scheme = "stripe", secret = "env:SECRET" }

[[routes]]
path = "/hooks/twilio/{kind}"
queue = "hooks"
name = "{path.kind}"
answer = { status = 200, body = "<Response/>", type = "text/xml" }
[routes.verify]
scheme = "twilio"
secret = "env:SECRET"
origin = "https://hooks.example.com"

[[routes]]
path = "/hooks/standard"
queue = "hooks"
name = "{body.type}"
delay = "{body.wait?}"
priority = "{body.priority?}"
verify = { scheme = "standard-webhooks", secret = ["env:KEY", "env:OTHER_KEY?"] }

[[routes]]
path = "/hooks/slack"
queue = "hooks"
name = "slack"
answer = { status = 204 }
[routes.verify]
scheme = "hmac"
secret = "env:SECRET"
header = "X-Slack-Signature"
prefix = "v0="
timestamp = "X-Slack-Request-Timestamp"
signed = "v0:{header.X-Slack-Request-Timestamp}:{body}"

[[routes]]
path = "/hooks/token"
method = "PUT"
queue = "hooks"
name = "token"
payload = { page = "{query.page}", none = "{query.none?}" }
verify = { scheme = "token", secret = "env:SECRET" }
"#;

const SECRET: &str = "It's a Secret to Everybody";

fn start(redis: &Redis) -> (Setup, Runner, Api, Node) {
    let setup = served(redis, TOML);
    let setup = setup.env("SECRET", SECRET).env("NEW_SECRET", "another");
    let setup = setup.env("KEY", KEY);
    let runner = setup.serve();
    let (api, node) = (runner.api(), Node::start(redis, 6));
    (setup, runner, api, node)
}

fn with(mut headers: BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let more = more.iter();
    headers.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    headers
}

#[test]
fn shopify_s_topics_become_jobs_once() {
    let redis = Redis::shared();
    let (_setup, _runner, api, mut node) = start(&redis);
    // Numbers beyond 2^53, and what no JSON library would write back.
    let body = r#"{ "id": 9007199254740993, "total": 1.10, "name":"\u0023 1" }"#;
    let headers = signed(
        &mut node,
        "shopify",
        json!({ "secret": SECRET, "body": body }),
    );
    let headers = with(
        headers,
        &[
            ("X-Shopify-Topic", "orders/create"),
            ("X-Shopify-Shop-Domain", "acme.myshopify.com"),
            (
                "X-Shopify-Webhook-Id",
                "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            ),
        ],
    );
    let first = answer(request(&api, "/hooks/shopify", &headers, body));
    let id = first.body["jobId"].clone();
    assert_eq!(
        (first.status, first.body),
        (
            202,
            json!({ "jobId": id, "queue": "hooks", "name": "orders/create" })
        )
    );
    let again = answer(request(&api, "/hooks/shopify", &headers, body));
    assert_eq!(
        (again.status, again.body),
        (
            200,
            json!({ "jobId": id, "queue": "hooks", "name": "orders/create", "duplicate": true })
        )
    );
    let id = id.as_str().unwrap();
    assert_eq!(
        redis.field("hooks", id, "data").unwrap(),
        format!(r#"{{"shop":"acme.myshopify.com","order":{body}}}"#)
    );
    let other = with(
        headers,
        &[
            ("X-Shopify-Webhook-Id", "another"),
            ("X-Shopify-Topic", "orders/paid"),
        ],
    );
    assert_eq!(
        answer(request(&api, "/hooks/shopify", &other, body)).status,
        202
    );
    let names: Vec<_> = waiting(&mut node, "hooks")
        .iter()
        .map(|job| job["name"].clone())
        .collect();
    assert_eq!(names, ["orders/create", "orders/paid"]);
}

#[test]
fn github_s_events_become_jobs() {
    let redis = Redis::shared();
    let (_setup, _runner, api, mut node) = start(&redis);
    let body = r#"{"action":"opened","number":1}"#;
    let headers = signed(
        &mut node,
        "github",
        json!({ "secret": SECRET, "body": body }),
    );
    let headers = with(
        headers,
        &[
            ("X-GitHub-Event", "issues"),
            ("X-GitHub-Delivery", "72d3162e"),
        ],
    );
    assert_eq!(
        answer(request(&api, "/hooks/github", &headers, body)).status,
        202
    );
    assert_eq!(
        answer(request(&api, "/hooks/github", &headers, body)).status,
        200
    );
    let jobs = waiting(&mut node, "hooks");
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0]["name"], "issues.opened");
    assert_eq!(jobs[0]["data"], json!({ "action": "opened", "number": 1 }));
}

#[test]
fn stripe_may_roll_its_secret_but_not_replay() {
    let redis = Redis::shared();
    let (_setup, _runner, api, mut node) = start(&redis);
    let body = r#"{"id":"evt_1","type":"invoice.paid"}"#;
    let sign = |node: &mut Node, secret: &str, more: &[&str], timestamp: u64| {
        let args = json!({ "secret": secret, "more": more, "body": body, "timestamp": timestamp });
        signed(node, "stripe", args)
    };
    let late = sign(&mut node, SECRET, &[], seconds() - 1000);
    let late = answer(request(&api, "/hooks/stripe", &late, body));
    assert_eq!(late.status, 401);
    let detail = late.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("the signed time is 100"), "{detail}");
    assert!(
        detail.ends_with(" s from that of this machine, more than `tolerance`: it is a replay, or a clock is wrong"),
        "{detail}"
    );
    // Of two signatures the second is ours.
    let headers = sign(&mut node, "the old one", &[SECRET], seconds());
    let taken = answer(request(&api, "/hooks/stripe", &headers, body));
    assert_eq!(
        (taken.status, &taken.body["jobId"]),
        (202, &json!("stripe-evt_1"))
    );
    let again = sign(&mut node, SECRET, &[], seconds());
    let again = answer(request(&api, "/hooks/stripe", &again, body));
    assert_eq!(
        (again.status, &again.body["duplicate"]),
        (200, &json!(true))
    );
    // The job's end does not let a replay in.
    redis.run::<()>(&["DEL", &redis.key("hooks", "stripe-evt_1")]);
    let again = sign(&mut node, SECRET, &[], seconds());
    assert_eq!(
        answer(request(&api, "/hooks/stripe", &again, body)).status,
        200
    );
}

#[test]
fn twilio_signs_its_url_with_a_form_or_the_hash_of_json() {
    let redis = Redis::shared();
    let (_setup, _runner, api, mut node) = start(&redis);
    let form = "Body=Hi+%26+welcome&From=%2B14155550100&Media=b&Media=a";
    let sign = |node: &mut Node, path: &str, params: Value| {
        let url = format!("https://hooks.example.com{path}");
        signed(
            node,
            "twilio",
            json!({ "secret": SECRET, "url": url, "params": params }),
        )
    };
    let path = "/hooks/twilio/sms?to=a%20b";
    let params = json!({ "From": "+14155550100", "Body": "Hi & welcome", "Media": ["b", "a"] });
    let headers = sign(&mut node, path, params);
    let sent = |body: &str| {
        let request = api.request("POST", path).body(body.to_owned());
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        request.header("X-Twilio-Signature", &headers["X-Twilio-Signature"])
    };
    let taken = answer(sent(form));
    assert_eq!((taken.status, taken.body), (200, json!("<Response/>")));
    assert_eq!(answer(sent(&form.replace("Hi", "Ho"))).status, 401);

    let body = r#"{"CallSid":"CA1"}"#;
    let hash = signed(&mut node, "twilioBody", json!({ "body": body }));
    let path = format!("/hooks/twilio/voice?bodySHA256={}", hash["bodySHA256"]);
    let headers = sign(&mut node, &path, json!({}));
    assert_eq!(answer(request(&api, &path, &headers, body)).status, 200);
    assert_eq!(answer(request(&api, &path, &headers, "{}")).status, 401);
    // A signed URL covers no body.
    let path = "/hooks/twilio/voice";
    let headers = sign(&mut node, path, json!({}));
    assert_eq!(answer(request(&api, path, &headers, body)).status, 401);

    let jobs = waiting(&mut node, "hooks");
    let seen: Vec<_> = jobs
        .iter()
        .map(|job| (&job["name"], &job["data"]))
        .collect();
    let sms = json!({ "Body": "Hi & welcome", "From": "+14155550100", "Media": ["b", "a"] });
    let call = json!({ "CallSid": "CA1" });
    assert_eq!(seen, [(&json!("sms"), &sms), (&json!("voice"), &call)]);
}

#[test]
fn standard_webhooks_carry_id_and_time() {
    let redis = Redis::shared();
    let (_setup, _runner, api, mut node) = start(&redis);
    let body = r#"{"type":"user.created","wait":"1h","priority":7}"#;
    let mut send = |id: &str, at: u64, body: &str, sent: &str| {
        let args = json!({ "secret": KEY, "body": body, "id": id, "timestamp": at });
        let headers = signed(&mut node, "standard-webhooks", args);
        answer(request(&api, "/hooks/standard", &headers, sent))
    };
    assert_eq!(send("msg_1", seconds(), body, body).status, 202);
    assert_eq!(send("msg_1", seconds(), body, body).status, 200);
    assert_eq!(send("msg_2", seconds() - 301, body, body).status, 401);
    assert_eq!(send("msg_2", seconds() + 302, body, body).status, 401);
    assert_eq!(send("msg_2", seconds(), body, "{}").status, 401);
    let jobs = waiting(&mut node, "hooks");
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        (&jobs[0]["delay"], &jobs[0]["priority"]),
        (&json!(3_600_000), &json!(7))
    );
}

#[test]
fn a_scheme_of_one_s_own_is_described() {
    let redis = Redis::shared();
    let (_setup, _runner, api, mut node) = start(&redis);
    let body = r#"{"a":1}"#;
    let at = seconds().to_string();
    let text = format!("v0:{at}:{body}");
    // What the provider's library signs is the same HMAC, in another place.
    let github = signed(
        &mut node,
        "github",
        json!({ "secret": SECRET, "body": text }),
    );
    let signature = github["X-Hub-Signature-256"].replace("sha256=", "v0=");
    let headers = with(
        BTreeMap::new(),
        &[
            ("X-Slack-Signature", &signature),
            ("X-Slack-Request-Timestamp", &at),
        ],
    );
    let taken = answer(request(&api, "/hooks/slack", &headers, body));
    assert_eq!((taken.status, taken.body), (204, json!("")));
    let earlier = with(headers, &[("X-Slack-Request-Timestamp", "1")]);
    assert_eq!(
        answer(request(&api, "/hooks/slack", &earlier, body)).status,
        401
    );

    let put = |token: &str| {
        let request = api.request("PUT", "/hooks/token?page=2");
        answer(request.header("Authorization", format!("bearer {token}")))
    };
    assert_eq!((put(SECRET).status, put("guess").status), (202, 401));
    let names: Vec<_> = waiting(&mut node, "hooks")
        .iter()
        .map(|job| job["data"].clone())
        .collect();
    assert_eq!(names, [json!({ "a": 1 }), json!({ "page": "2" })]);
}
