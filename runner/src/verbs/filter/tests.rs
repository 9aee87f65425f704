//! What queries match, how they are shown, and what is said of those that are none.

use super::*;

/// 2026-11-28T12:00:00Z
const NOW: u64 = 1_795_867_200_000;

fn job() -> Subject<'static> {
    static TRACES: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| vec!["first: ECONNRESET\n    at send".to_owned()]);
    Subject {
        queue: "otp-queue",
        id: "order:42",
        name: "email-otp",
        state: State::Failed,
        data: r#"{"shopId":"s-7","n":9007199254740993,"price":10.50,"paid":true,"gone":null,
                  "items":[{"sku":"a.b","tags":["x","y"]},{"sku":"c"}],"a.b":{"c d":1},
                  "at":"2026-11-28T11:00:00+01:00","ms":1795860000000,"quote":"say \"hi\"",
                  "amount":"19.99","requestId":"req_1","umlaut":"\u00e4"}"#,
        result: r#"{"sent":2}"#,
        reason: "Timed out after 30s",
        traces: &TRACES,
        cause: "deadline",
        attempts: 3,
        added: NOW - 7_200_000,
        started: Some(NOW - 3_600_000),
        ended: Some(NOW - 3_570_000),
        plugin: "otp-sender@a1b2c3d4e5f6",
        runner: "host-1-77",
    }
}

#[track_caller]
fn matches(query: &str, expected: bool) {
    let filter: Filter = query.parse().unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(filter.matches(&job(), NOW), expected, "{query}");
    let again: Filter = filter
        .to_string()
        .parse()
        .expect("what is shown can be read");
    assert_eq!(again, filter, "{query} is shown as {filter}");
}

// Long because it is one table of queries.
#[test]
fn each_term_matches_what_it_says_and_nothing_else() {
    for query in [
        "",
        "timed",
        "EMAIL-OTP",
        "\"out after\"",
        "tim*30s",
        "s-7",
        "id:order:42",
        "id:order:*",
        "id:1,2,order:42",
        "name:email-otp",
        "name:email-*,sms-*",
        "queue:otp-*",
        "state:failed,completed",
        "STATE:Failed",
        "error:timed",
        "error:econnreset",
        "error:first*send",
        "cause:deadline",
        "cause:dead*",
        "since:1h",
        "since:2026-11-28",
        "until:30m",
        "until:2026-11-28",
        "since:2026-11-28T11:00 until:2026-11-28T12:01:00+01:00",
        "plugin:otp-sender",
        "plugin:otp-*@a1b2",
        "plugin:otp-sender@A1B2C3D4E5F600",
        "request:req_1",
        "attempts:3",
        "attempts:>2",
        "attempts:<=3",
        "attempts:>=3",
        "waited:>59m",
        "ran:30s",
        "ran:<31s",
        "runner:host-1-*",
        "result.sent:2",
        "result:sent",
        "-state:completed",
        "-name:sms",
        "-\"no such\"",
    ] {
        matches(query, true);
    }
    for query in [
        "nowhere",
        "\"after out\"",
        "\"tim*30s\"",
        "id:42",
        "id:\"order:*\"",
        "name:email",
        "queue:otp",
        "state:waiting",
        "error:hi",
        "cause:memory",
        "since:30m",
        "until:2026-11-27",
        "since:2026-11-29",
        "plugin:otp",
        "plugin:otp-sender@b1",
        "request:req",
        "attempts:<3",
        "attempts:2",
        "waited:<1h",
        "ran:>30s",
        "runner:host",
        "result.sent:3",
        "-timed",
        "-state:failed",
        "name:email-otp -id:order:42",
    ] {
        matches(query, false);
    }
}

#[test]
fn values_of_a_payload_are_compared_as_json() {
    for query in [
        "data.shopId:s-7",
        "data.shopId:\"s-7\"",
        "data.shopId:s-*",
        "data.shopId:x,s-7",
        "data.n:9007199254740993",
        "data.n:9.007199254740993e15",
        "data.n:>9007199254740992",
        "data.price:10.5",
        "data.price:>=10.5",
        "data.amount:19.99",
        "data.amount:<20",
        "data.paid:true",
        "data.gone:null",
        "data.gone:*",
        "data.items:*",
        "data.items.0.sku:a.b",
        "data.items.*.sku:c",
        "data.items.*.tags.1:y",
        "data.\"a.b\".\"c d\":1",
        "data.at:>=2026-11-28T10:00:00Z",
        "data.at:<2026-11-28T10:00:01Z",
        "data.at:=2026-11-28",
        "data.at:<1h",
        "data.ms:>3h",
        "data.quote:\"say \\\"hi\\\"\"",
        "data.umlaut:ä",
        "data:shopid",
        "-data.other:*",
    ] {
        matches(query, true);
    }
    for query in [
        "data.shopId:s",
        "data.shopid:s-7",
        "data.shopId.x:s-7",
        "data.n:9007199254740992",
        "data.n:\"9007199254740993\"",
        "data.price:>10.5",
        "data.paid:\"true\"",
        "data.other:*",
        "data.items:a.b",
        "data.items.sku:c",
        "data.items.2.sku:c",
        "data.shopId:>1",
        "data.at:>1h",
        "-data.gone:null",
    ] {
        matches(query, false);
    }
}

#[test]
fn a_filter_says_where_to_look() {
    let of = |query: &str| query.parse::<Filter>().unwrap();
    assert_eq!(of("").states(), State::ALL);
    assert_eq!(
        of("state:failed,waiting x").states(),
        [State::Waiting, State::Failed]
    );
    assert_eq!(of("-state:failed state:failed").states(), []);
    assert!(of("queue:a*").covers("ab") && !of("queue:a*").covers("b"));
    assert!(!of("-queue:a*").covers("ab"));
    assert_eq!(of("id:1,2 x").ids(), Some(vec!["1", "2"]));
    assert_eq!(of("id:1*").ids(), None);
    assert_eq!(of("-id:1").ids(), None);
    assert_eq!(
        of("since:1h since:2h until:30m").window(NOW),
        (Some(NOW - 3_600_000), Some(NOW - 1_800_000))
    );
    assert_eq!(of("-since:1h").window(NOW), (None, None));
    assert_eq!(of("id:4* state:failed").fields(), []);
    assert_eq!(
        of("name:x data.y:z name:w").fields(),
        [Field::Name, Field::Data]
    );
    assert_eq!(
        of("  A  NAME:b,\"c d\" -x ").to_string(),
        "A name:b,\"c d\" -x"
    );
    assert!(of(" ").is_empty() && !of("x").is_empty());
    assert!(of("-state:failed").names_state() && !of("x").names_state());
}

// Long because it is one table of what is said.
#[test]
fn what_is_no_query_is_told_with_its_place_and_the_way_out() {
    for (query, fault) in [
        (
            "x nmae:y",
            "query, character 3: \"nmae:\" is no term; did you mean \"name:\"? To look for the \
             text, quote it: \"nmae:y\"",
        ),
        (
            "https://example.com",
            "query, character 1: \"https:\" is no term; the terms are attempts, cause, data, \
             error, id, name, plugin, queue, ran, request, result, runner, since, state, until, \
             waited. To look for the text, quote it: \"https://example.com\"",
        ),
        (
            "ä name:",
            "query, character 3: name: has no value; write name:VALUE, or \"name:\" in quotes to \
             look for the text",
        ),
        (
            "data.a.b: x",
            "query, character 1: data.a.b: has no value; write data.a.b:VALUE, or \"data.a.b:\" \
             in quotes to look for the text",
        ),
        (
            "state:faild",
            "query, character 7: \"faild\" is no state; did you mean \"failed\"? The states are \
             active, waiting, prioritized, delayed, waiting-children, failed, completed",
        ),
        (
            "cause:xyz",
            "query, character 7: \"xyz\" is no cause; the causes are returned, result, trap, \
             panic, exit, deadline, memory, unrouted, payload, contract, deferred, expired, \
             cancelled, host",
        ),
        (
            "a \"b c",
            "query, character 3: the quote is not closed; add \" behind the text, or write \\\" \
             for the sign within quotes",
        ),
        (
            "\"a\"b",
            "query, character 4: a space must follow the closing quote; \\\" is a quote within \
             quotes",
        ),
        (
            "a - b",
            "query, character 3: nothing follows the \"-\"; write -TERM to leave out what it \
             matches, or \"-\" in quotes to look for the sign",
        ),
        (
            "since:yesterday",
            "query, character 7: \"yesterday\" is no time; write how long ago (2h, 7d), a date \
             (2026-11-28) or RFC 3339 (2026-11-28T09:00:00Z)",
        ),
        ("since:1h,2h", "query, character 10: since: takes one time"),
        (
            "attempts:two",
            "query, character 10: \"two\" is no number of attempts; write attempts:3, \
             attempts:>2 or attempts:<=5",
        ),
        (
            "ran:>5",
            "query, character 5: \"5\" is no duration; write >500ms or <=2m30s",
        ),
        (
            "name:>x",
            "query, character 6: name: compares nothing; quote what it is to be: name:\">x\"",
        ),
        (
            "data.x:>abc",
            "query, character 8: \"abc\" cannot be compared; a number (>100) can, and a time: \
             how long ago (>2h), a date (>=2026-11-28) or RFC 3339",
        ),
        (
            "data..x:1",
            "query, character 6: the path has an empty step; write data.KEY.KEY:VALUE, with 0 \
             for the first element of a list and * for any",
        ),
        (
            "plugin:otp@xyz",
            "query, character 8: \"otp@xyz\" is no version of a plugin; write plugin:NAME or \
             plugin:NAME@DIGEST, with the first hexadecimal digits of its digest",
        ),
    ] {
        let found = query.parse::<Filter>().map(|filter| filter.to_string());
        assert_eq!(
            found.map_err(|fault| fault.to_string()),
            Err(fault.to_owned())
        );
    }
    let long = "x".repeat(4097).parse::<Filter>().unwrap_err();
    assert_eq!(long.message, "the query is longer than 4096 bytes");
    let many = "x ".repeat(65).parse::<Filter>().unwrap_err();
    assert_eq!(many.message, "the query has more than 64 terms");
}

#[test]
fn what_only_looks_like_a_term_is_a_text() {
    let mut like = job();
    like.reason = "at 12:30 data.x and a\"b, not -5";
    for query in ["12:30", "data.x", "a\"b", "\"-5\"", "b,"] {
        let filter: Filter = query.parse().unwrap();
        assert!(filter.matches(&like, NOW), "{query}");
    }
}

/// The page about the language, between two lines of three backticks.
fn blocks(kind: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/search.md");
    let page = std::fs::read_to_string(path).unwrap();
    let opening = format!("```{kind}\n");
    let blocks = page.split(&opening).skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

#[test]
fn every_query_of_the_page_finds_the_job_of_the_page() {
    let job: serde_json::Value = serde_json::from_str(&blocks("json")[0]).unwrap();
    let text = |key: &str| job[key].as_str().unwrap_or_default();
    let at = |key: &str| {
        text(key)
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_millisecond() as u64
    };
    // The numbers of the payload as they are written.
    let page = blocks("json")[0].clone();
    let fields: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&page).unwrap();
    let traces: Vec<String> = serde_json::from_value(job["stacktrace"].clone()).unwrap();
    let subject = Subject {
        queue: text("queue"),
        id: text("id"),
        name: text("name"),
        state: text("state").parse().unwrap(),
        data: fields["data"].get(),
        result: fields["returnvalue"].get(),
        reason: text("failedReason"),
        traces: &traces,
        cause: text("cause"),
        attempts: job["attemptsMade"].as_u64().unwrap() as u32,
        added: at("timestamp"),
        started: Some(at("processedOn")),
        ended: Some(at("finishedOn")),
        plugin: text("plugin"),
        runner: text("processedBy"),
    };
    let queries = blocks("query");
    let queries: Vec<&str> = queries.iter().flat_map(|block| block.lines()).collect();
    assert!(queries.len() > 40, "{}", queries.len());
    for query in queries {
        let filter: Filter = query
            .parse()
            .unwrap_or_else(|fault| panic!("{query}: {fault}"));
        assert!(filter.matches(&subject, NOW), "{query}");
    }
}

#[test]
fn the_page_names_every_term() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/search.md");
    let page = std::fs::read_to_string(path).unwrap();
    for key in parse::KEYS {
        let told = page.contains(&format!("| `{key}:")) || page.contains(&format!("`{key}:"));
        assert!(told || page.contains(&format!("| `{key}.")), "{key}");
    }
}
