mod corpus;
mod model;
mod privacy;

use std::fs;
use std::time::{Duration, Instant};

use document_text::samples;
use runner_sdk::testing::{self, Host};
use runner_sdk::{Failure, Job, Result, queue};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Analysis, Report, analyze};

const CARD: &str = "Invoice\n\ncard: 4111 1111 1111 1111, encrypted\n";

/// A host with a directory of documents.
struct Fixture {
    host: Host,
    directory: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let host = Host::new();
        let directory = tempfile::tempdir().expect("there is room for a directory");
        host.setting(
            "directory",
            directory.path().to_str().expect("its name is UTF-8"),
        );
        Fixture { host, directory }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory.path().display())
    }

    /// A job for a document with this text.
    fn job(&self, text: impl AsRef<[u8]>, frameworks: &[&str]) -> Job {
        fs::write(self.path("doc.txt"), text).expect("it can be written");
        job(&self.path("doc.txt"), frameworks)
    }

    fn analyse(&self, text: impl AsRef<[u8]>, frameworks: &[&str]) -> Value {
        let report = handle(self.job(text, frameworks)).expect("it is analysed");
        serde_json::to_value(report).expect("it is JSON")
    }
}

fn job(path: &str, frameworks: &[&str]) -> Job {
    let data = json!({
        "documentId": "doc-7",
        "userId": "ada",
        "documentPath": path,
        "mimeType": "text/plain",
        "complianceFrameworks": frameworks,
    });
    let mut job = testing::job("analyze-compliance", data.to_string());
    job.queue = "compliance-analysis".into();
    job
}

/// Run a job as its contract does.
fn handle(job: Job) -> Result<Report> {
    let data: Value = job.data()?;
    let text = |key: &str| data[key].as_str().expect("a text").to_owned();
    let frameworks = data["complianceFrameworks"].clone();
    let data = Analysis {
        document_id: text("documentId"),
        user_id: text("userId"),
        document_path: text("documentPath"),
        mime_type: text("mimeType"),
        compliance_frameworks: serde_json::from_value(frameworks).expect("a list of texts"),
    };
    analyze(&job, data)
}

fn rejection(job: Job) -> String {
    match handle(job) {
        Err(Failure::Reject(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_finding_has_its_place_and_a_covered_excerpt() {
    let fixture = Fixture::new();
    let report = fixture.analyse(CARD, &["PCI"]);
    assert_eq!(
        report,
        json!({
            "documentId": "doc-7",
            "document": {
                "path": fixture.path("doc.txt"),
                "mimeType": "text/plain",
                "bytes": 46,
                "pages": 1,
                "characters": 46,
            },
            "verdict": "fail",
            "severity": "critical",
            "frameworks": [{ "framework": "PCI", "score": 60, "verdict": "fail", "rules": 1 }],
            "findings": [{
                "rule": "card-number",
                "severity": "critical",
                "frameworks": ["PCI"],
                "page": 1,
                "line": 3,
                "column": 7,
                "excerpt": "4111 **** **** 1111",
            }],
            "totals": [{
                "rule": "card-number",
                "title": "Payment card number in clear",
                "severity": "critical",
                "frameworks": ["PCI"],
                "count": 1,
                "shown": 1,
            }],
            "recommendations": [{
                "severity": "critical",
                "rules": ["card-number"],
                "text": "Remove card numbers, or keep a token or at most the first six and last \
                         four digits (PCI DSS 3.4, 3.5).",
            }],
            "summary": null,
            "warnings": [],
        })
    );
}

#[test]
fn a_document_without_findings_passes() {
    let fixture = Fixture::new();
    let report = fixture.analyse("The weather is fine.", &["GDPR", "SOX", "PCI", "HIPAA"]);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["severity"], Value::Null);
    assert_eq!(report["findings"], json!([]));
    for framework in report["frameworks"].as_array().expect("a list") {
        assert_eq!(framework["score"], 100);
    }
    assert!(fixture.host.added().is_empty(), "nobody is told of nothing");
}

#[test]
fn only_the_frameworks_asked_for_count() {
    let fixture = Fixture::new();
    let report = fixture.analyse(CARD, &["sox", "hipaa"]);
    assert_eq!(report["verdict"], "pass");
    let report = fixture.analyse(CARD, &["PCI-DSS", "pci", "GDPR"]);
    assert_eq!(report["findings"][0]["frameworks"], json!(["PCI", "GDPR"]));
    assert_eq!(report["frameworks"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_is_missing_is_a_finding_without_a_place() {
    let fixture = Fixture::new();
    let ids = |text: &str| -> Vec<String> {
        let report = fixture.analyse(text, &["GDPR"]);
        let findings = report["findings"].as_array().expect("a list").iter();
        findings
            .map(|finding| finding["rule"].as_str().expect("an id").to_owned())
            .collect()
    };
    let person = "Write to ada@analytical.co.uk.";
    assert_eq!(
        ids(person),
        ["no-legal-basis", "email-address", "no-retention-period"]
    );
    assert_eq!(
        ids(&format!(
            "{person} The legal basis is Art. 6. It is deleted after a year."
        )),
        ["email-address"]
    );
    assert!(ids("The legal basis is nobody's business.").is_empty());

    let report = fixture.analyse("Revenue was $12 million.", &["SOX"]);
    assert_eq!(
        report["findings"][0],
        json!({
            "rule": "no-control-statement",
            "severity": "medium",
            "frameworks": ["SOX"],
        })
    );
    assert_eq!(report["verdict"], "review");
}

#[test]
fn places_are_capped_and_all_are_counted() {
    let fixture = Fixture::new();
    let text = "SSN 123-45-6789\n".repeat(5000);
    let report = fixture.analyse(&text, &["HIPAA"]);
    assert_eq!(report["totals"][0]["count"], 5000);
    assert_eq!(report["totals"][0]["shown"], 20);
    assert_eq!(report["findings"][19]["line"], 20);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(20));
    fixture.host.setting("findings_per_rule", "3");
    let report = fixture.analyse(&text, &["HIPAA"]);
    assert_eq!(report["totals"][0]["shown"], 3);
}

#[test]
fn columns_are_counted_in_characters() {
    let fixture = Fixture::new();
    let report = fixture.analyse("über\nöäü 123-45-6789", &["HIPAA"]);
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&json!(2), &json!(5))
    );
}

#[test]
fn a_pdf_is_analysed_page_by_page() {
    let fixture = Fixture::new();
    let all = ["GDPR", "SOX", "PCI", "HIPAA"];
    let report = fixture.analyse(samples::customer_file(), &all);
    let places: Vec<_> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["page"].is_number())
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().expect("a text").to_owned();
            (finding["page"].as_u64(), text("rule"), text("excerpt"))
        })
        .collect();
    let place = |page, rule: &str, excerpt: &str| (Some(page), rule.into(), excerpt.into());
    assert_eq!(
        places,
        [
            place(2, "card-number", "4111 **** **** 1111"),
            place(3, "material-weakness", "material weakness"),
            place(1, "date-of-birth", "** ***** ****"),
            place(2, "bank-account", "DE89 **** **** **** **30 00"),
            place(1, "phone-number", "+** *** ***4567"),
            place(3, "financial-figure", "$**.* *******"),
            place(3, "financial-figure", "$*.* *******"),
        ]
    );
    assert_eq!(report["document"]["mimeType"], "application/pdf");
    assert_eq!(report["document"]["pages"], 3);
    assert_eq!(
        report["warnings"],
        json!(["data.mimeType is \"text/plain\", the file is application/pdf"])
    );
}

#[test]
fn a_document_without_text_is_rejected_not_passed() {
    let fixture = Fixture::new();
    let path = fixture.path("doc.txt");
    assert_eq!(
        rejection(fixture.job(samples::pdf("scan", &[&[]]), &["GDPR"])),
        format!(
            "the document \"{path}\" has no text that can be read; scanned pages need text \
             recognition (OCR) first"
        )
    );
    assert_eq!(
        rejection(fixture.job("", &["GDPR"])),
        format!("the document \"{path}\": the file is empty")
    );
}

#[test]
fn a_value_on_the_edge_of_a_window_is_found_once() {
    let fixture = Fixture::new();
    for before in 4060..4110 {
        let text = format!(
            "{} 4111 1111 1111 1111 {}",
            "x".repeat(before),
            "y ".repeat(3000)
        );
        let report = fixture.analyse(&text, &["PCI"]);
        assert_eq!(report["totals"][0]["count"], 1, "after {before} characters");
        assert_eq!(report["findings"][0]["column"], before + 2);
    }
}

#[test]
fn the_time_is_linear_in_the_size() {
    let fixture = Fixture::new();
    // No line, no word, half of each pattern, a table of numbers, nothing but the
    // words of the rules. Were the time quadratic, a MiB would take hours.
    let table: String = (1..20_000_u64)
        .map(|n| format!("{} ", n * n * 7919 % 10_u64.pow(1 + (n % 6) as u32)))
        .collect();
    let words = "ssn dob passport revenue restatement of diagnosed with password: 12 4 born on ";
    for unit in [
        "a",
        "1",
        "a.",
        "1 ",
        "not ",
        "DE89 3704 ",
        "é",
        &table,
        words,
    ] {
        let text = unit.repeat((1 << 20) / unit.len());
        let start = Instant::now();
        fixture.analyse(&text, &["GDPR", "SOX", "PCI", "HIPAA"]);
        let time = start.elapsed();
        let beginning = &unit[..unit.len().min(20)];
        assert!(
            time < Duration::from_secs(20),
            "{beginning:?} takes {time:?}"
        );
    }
}

#[test]
fn the_user_is_told_once_of_grave_findings() {
    let fixture = Fixture::new();
    let job = fixture.job(CARD, &["PCI"]);
    fixture
        .host
        .refuse_adds(queue::Error::Unavailable("connection refused".into()));
    assert!(matches!(handle(job.clone()), Err(Failure::Retry(_))));
    fixture.host.accept_adds();
    handle(job.clone()).expect("it is analysed");
    handle(job).expect("it is analysed again");
    let added = fixture.host.added();
    assert_eq!(added.len(), 1);
    assert_eq!(
        (added[0].queue.as_str(), added[0].name.as_str()),
        ("notifications", "send-notification")
    );
    let id = added[0]
        .options
        .id
        .as_deref()
        .expect("it is the same in all attempts");
    assert!(
        id.starts_with("compliance-analysis/1/") && id.ends_with("/notification"),
        "{id}"
    );
    assert_eq!(
        added[0].data,
        json!({
            "userId": "ada",
            "type": "email",
            "subject": "Compliance findings (critical) in document doc-7",
            "message": "The document doc-7 was checked against PCI. Grave findings:\n\n\
                        - Payment card number in clear (critical, 1 place)\n\n\
                        The full report is the result of job 1 in the queue compliance-analysis.",
        })
    );
}

#[test]
fn nobody_is_told_of_small_findings() {
    let fixture = Fixture::new();
    fixture.analyse("Write to ada@analytical.co.uk.", &["GDPR"]);
    assert!(fixture.host.added().is_empty());
}

#[test]
fn progress_goes_from_reading_to_done() {
    let fixture = Fixture::new();
    fixture.analyse(CARD.repeat(50_000), &["PCI"]);
    let progress = fixture.host.progress();
    let messages: Vec<_> = progress
        .iter()
        .map(|one| one["message"].as_str().expect("a word"))
        .collect();
    assert_eq!(
        messages,
        [
            "reading the document",
            "preparing the rules",
            "scanned 0.0 of 2.2 MiB",
            "scanned 1.0 of 2.2 MiB",
            "scanned 2.0 of 2.2 MiB",
            "weighing the findings",
            "done"
        ]
    );
    assert!(progress.is_sorted_by_key(|one| one["percent"].as_f64().map(|percent| percent as u64)));
}

#[test]
fn a_framework_that_is_not_known_is_rejected_with_the_known_ones() {
    let fixture = Fixture::new();
    assert_eq!(
        rejection(fixture.job("x", &["GDPR", "GPDR"])),
        "data.complianceFrameworks[1]: the framework \"GPDR\" is not known; use GDPR, SOX, PCI \
         (or PCI-DSS) or HIPAA"
    );
    assert_eq!(
        rejection(fixture.job("x", &[])),
        "data.complianceFrameworks: the list is empty; name GDPR, SOX, PCI (or PCI-DSS) or HIPAA"
    );
}

#[test]
fn a_missing_document_says_where_it_was_looked_for() {
    let fixture = Fixture::new();
    let (path, directory) = (fixture.path("none.pdf"), fixture.path(""));
    assert_eq!(
        rejection(job(&path, &["GDPR"])),
        format!(
            "there is no document \"{path}\"; it was looked for in the directory that queues.toml \
             grants as \"{}\" (dirs under [plugins.<name>])",
            directory.trim_end_matches('/')
        )
    );
    fs::create_dir(fixture.path("folder")).expect("it can be made");
    let folder = fixture.path("folder");
    assert_eq!(
        rejection(job(&folder, &["GDPR"])),
        format!("\"{folder}\" is a directory")
    );
}

#[test]
fn a_document_elsewhere_is_not_read() {
    let host = Host::new();
    for path in [
        "/etc/passwd",
        "/documents/../etc/passwd",
        "/documents/a/../../etc/passwd",
        "/documents",
        "/documents/",
        "/documents2/a.pdf",
        "documents/a.pdf",
        "a.pdf",
        "",
    ] {
        assert_eq!(
            rejection(job(path, &["GDPR"])),
            format!("data.documentPath: \"{path}\" is not in the directory \"/documents\"")
        );
    }
    drop(host);
}

#[test]
fn a_document_that_is_too_large_is_not_read() {
    let fixture = Fixture::new();
    fixture.host.setting("max_size", "10");
    let job = fixture.job("eleven byte", &["GDPR"]);
    assert_eq!(
        rejection(job),
        format!(
            "\"{}\" has more bytes than the 10 of the setting \"max_size\"",
            fixture.path("doc.txt")
        )
    );
}

#[test]
fn a_document_may_be_an_object_of_a_store() {
    let host = Host::new();
    host.blob("documents", "demo/doc.txt", CARD);
    let report = handle(job("blobs:demo/doc.txt", &["PCI"])).expect("it is analysed");
    let report = serde_json::to_value(report).expect("it is JSON");
    assert_eq!(report["document"]["path"], "blobs:demo/doc.txt");
    assert_eq!(report["findings"][0]["rule"], "card-number");
    assert!(rejection(job("blobs:none.txt", &["PCI"])).contains("none.txt"));
    host.setting("store", "archive");
    assert!(rejection(job("blobs:demo/doc.txt", &["PCI"])).contains("archive"));
}
