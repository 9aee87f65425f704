//! Whether it lives and wants work.

use serde_json::json;

use super::served;
use crate::support::Redis;

#[test]
fn a_process_says_that_it_lives_and_wants_work() {
    let redis = Redis::shared();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let api = runner.api();
    assert_eq!(
        (api.get("/livez").status, api.get("/readyz").status),
        (200, 200)
    );
}

#[test]
fn what_is_not_there_is_a_problem_that_names_it() {
    let redis = Redis::shared();
    let setup = served(&redis, "");
    let runner = setup.serve();
    let missing = runner.api().get("/nothing");
    assert_eq!(missing.status, 404);
    assert_eq!(
        missing.body,
        json!({
            "type": "/problems/unknown-path",
            "title": "Unknown path",
            "status": 404,
            "detail": "nothing is at \"/nothing\"; GET /openapi.json lists what there is",
        })
    );
    let method = runner.api().post("/livez", &json!({}));
    assert_eq!(method.status, 405);
    assert_eq!(
        method.body["detail"],
        "\"/livez\" does not take POST; the header Allow says what it takes"
    );
}
