//! docs/webhooks.md: each example is right, and those of the sample systems work as
//! they are written there.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use runner::config::{Config, Env, Overrides};
use serde_json::json;

use super::{KEY, request, signed, waiting};
use crate::support::api::answer;
use crate::support::runner::with_redis;
use crate::support::{Node, Redis, Setup};

/// The TOML of the page, block by block.
fn examples() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/webhooks.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = page.split("```toml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("```").unwrap().0.to_owned());
    blocks.collect()
}

/// A setup with the example that has this text, its queues with these contracts and
/// without plugins.
fn example(redis: &Redis, having: &str, contracts: &[(&str, &str)]) -> Setup {
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/queues");
    let found = examples().into_iter().find(|block| block.contains(having));
    let mut toml = found
        .unwrap()
        .replace("[server]\n", "")
        .replace("plugin = \"events\"\n", "");
    for (queue, contract) in contracts {
        let head = format!("[queues.{queue}]\n");
        assert!(toml.contains(&head), "{queue}");
        toml = toml.replace(&head, &format!("{head}{contract}\n"));
    }
    let jwt = match toml.contains("\"jwt\"") {
        true => "[server.jwt]\nsecret = \"env:JWT_SECRET\"\n",
        false => "",
    };
    let toml =
        format!("[server]\nlisten = \"127.0.0.1:0\"\n{jwt}[runtime]\ncontracts = {wit:?}\n{toml}");
    Setup::new(redis, &with_redis(redis, &toml))
}

#[test]
fn each_example_is_a_configuration() {
    let names = [
        "SHOPIFY_SECRET",
        "SLACK_SIGNING_SECRET",
        "CRM_WEBHOOK_SECRET",
    ];
    let env: Env = names.map(|name| (name, KEY)).into_iter().collect();
    let examples = examples();
    assert_eq!(examples.len(), 4);
    for example in examples {
        let (path, overrides) = (std::path::Path::new("queues.toml"), Overrides::default());
        if let Err(problems) = Config::parse(path, &example, &overrides, &env) {
            panic!("{}", problems.render(false));
        }
    }
}

#[test]
fn a_shop_s_event_becomes_the_job_that_the_sample_system_adds() {
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let setup = example(
        &redis,
        "/hooks/shopify",
        &[(
            "events",
            "contract = \"smsblossom:queues/events\"\nnames = { \"*\" = \"event\" }",
        )],
    );
    let setup = setup.env("SHOPIFY_SECRET", "hush");
    let runner = setup.serve();
    let body = r#"{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508"}"#;
    let mut headers: BTreeMap<String, String> = signed(
        &mut node,
        "shopify",
        json!({ "secret": "hush", "body": body }),
    );
    for (name, value) in [
        ("X-Shopify-Topic", "orders/paid"),
        ("X-Shopify-Shop-Domain", "shop.myshopify.com"),
        ("X-Shopify-Webhook-Id", "b54557e4"),
    ] {
        headers.insert(name.to_owned(), value.to_owned());
    }
    let taken = answer(request(&runner.api(), "/hooks/shopify", &headers, body));
    assert_eq!(taken.status, 202, "{:?}", taken.body);
    let job = &waiting(&mut node, "events")[0];
    assert_eq!(job["name"], "orders/paid");
    let id = job["id"].as_str().unwrap();
    assert_eq!(
        redis.field("events", id, "data").unwrap(),
        format!(
            r#"{{"topic":"orders/paid","shopId":"shop.myshopify.com","objectId":"gid://shopify/Order/820982911946154508","raw":{body}}}"#
        )
    );
}

// Long because it looks at all three jobs of one flow.
#[test]
fn an_upload_starts_the_sample_system_s_workflow_for_its_user() {
    const SECRET: &str = "a secret of at least thirty-two bytes";
    let redis = Redis::shared();
    let mut node = Node::start(&redis, 6);
    let contract = |name: &str| format!("contract = \"docs:jobs/{name}\"");
    let queues = [
        "document-processing",
        "compliance-analysis",
        "notifications",
    ];
    let contracts: Vec<_> = queues.iter().map(|name| (*name, contract(name))).collect();
    let contracts: Vec<_> = contracts
        .iter()
        .map(|(name, of)| (*name, of.as_str()))
        .collect();
    let setup = example(&redis, "document-upload", &contracts).env("JWT_SECRET", SECRET);
    let runner = setup.serve();
    let api = runner.api();
    let path = "/api/auth/workflow/document-upload";
    let body = r#"{"documentId":"demo-doc-123","filename":"sample.pdf","mimeType":"application/pdf","fileSize":1024000}"#;
    let token = |secret: &str| {
        let claims = json!({ "sub": "user-7", "exp": jsonwebtoken::get_current_timestamp() + 60 });
        let key = EncodingKey::from_secret(secret.as_bytes()).unwrap();
        let token = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        [("Authorization".to_owned(), format!("Bearer {token}"))].into()
    };
    let forged = token("another secret of at least thirty-two bytes");
    assert_eq!(answer(request(&api, path, &forged, body)).status, 401);
    assert_eq!(api.post(path, &json!({})).status, 401);

    let started = answer(request(&api, path, &token(SECRET), body));
    assert_eq!(started.status, 202, "{:?}", started.body);
    let ids = |at: usize| {
        started.body["children"][at]["jobId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let last = started.body["jobId"].as_str().unwrap();
    let (middle, first) = (ids(0), ids(1));
    let process = node.job("document-processing", &first);
    assert_eq!(
        (&process["name"], &process["state"], &process["data"]),
        (
            &json!("process-document"),
            &json!("waiting"),
            &json!({
                "documentId": "demo-doc-123", "userId": "user-7", "filename": "sample.pdf",
                "mimeType": "application/pdf", "fileSize": 1_024_000,
            })
        )
    );
    let analyse = node.job("compliance-analysis", &middle);
    assert_eq!(
        (
            &analyse["name"],
            &analyse["state"],
            &analyse["data"]["userId"]
        ),
        (
            &json!("analyze-compliance"),
            &json!("waiting-children"),
            &json!("user-7")
        )
    );
    let notify = node.job("notifications", last);
    assert_eq!(
        (
            &notify["name"],
            &notify["state"],
            &notify["data"]["message"]
        ),
        (
            &json!("send-notification"),
            &json!("waiting-children"),
            &json!("Your document sample.pdf has been processed")
        )
    );
}
