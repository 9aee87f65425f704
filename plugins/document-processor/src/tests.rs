use std::fs;
use std::time::{Duration, SystemTime};

use document_text::samples;
use runner_sdk::queue::Error;
use runner_sdk::testing::{self, Host};
use runner_sdk::{Failure, Job, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Report, Upload, process};

/// A host with a directory of uploads.
fn host() -> (Host, TempDir) {
    let host = Host::new();
    let uploads = tempfile::tempdir().expect("a directory can be made");
    host.setting("directory", uploads.path().to_string_lossy());
    (host, uploads)
}

fn put(uploads: &TempDir, name: &str, content: &[u8]) {
    let path = uploads.path().join(name);
    fs::create_dir_all(path.parent().expect("it is in a directory")).expect("it can be made");
    fs::write(path, content).expect("it can be written");
}

fn job(data: Value) -> Job {
    let mut job = testing::job("process-document", data.to_string());
    job.queue = "document-processing".into();
    job.added_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_866_000_123);
    job
}

fn upload(filename: &str, mime_type: &str, file_size: usize) -> Job {
    job(json!({
        "documentId": "demo-doc-123",
        "userId": "a81bc81b-dead-4e5d-abff-90865d1e13b1",
        "filename": filename,
        "mimeType": mime_type,
        "fileSize": file_size,
    }))
}

/// Run a job as its contract does.
fn handle(job: Job) -> Result<Report> {
    let data: Value = job.data()?;
    let text = |key: &str| data[key].as_str().expect("a text").to_owned();
    let upload = Upload {
        document_id: text("documentId"),
        user_id: text("userId"),
        filename: text("filename"),
        mime_type: text("mimeType"),
        file_size: data["fileSize"].as_u64().expect("a size"),
    };
    process(&job, &upload)
}

fn rejected(job: Job) -> String {
    match handle(job) {
        Err(Failure::Reject(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn processed(job: Job) -> Report {
    handle(job).expect("it is processed")
}

#[test]
fn a_pdf_is_checked_and_read() {
    let (host, uploads) = host();
    let file = samples::customer_file();
    put(&uploads, "sample.pdf", &file);
    let report = processed(upload("sample.pdf", "application/pdf", file.len()));
    let path = format!("{}/sample.pdf", uploads.path().display());
    assert_eq!(report.document_id, "demo-doc-123");
    assert_eq!(report.path, path);
    assert_eq!(report.bytes, file.len() as u64);
    assert_eq!(report.mime_type, "application/pdf");
    assert_eq!(report.encoding, None);
    assert_eq!(report.title.as_deref(), Some("Customer file 2041"));
    assert_eq!(
        (report.pages, report.words, report.characters),
        (Some(3), 81, 494)
    );
    let preview = &report.text_preview;
    assert!(
        preview.starts_with("Customer file 2041 Name: Ada Example"),
        "{preview}"
    );
    let messages: Vec<_> = host
        .progress()
        .into_iter()
        .map(|progress| progress["message"].clone())
        .collect();
    assert_eq!(
        messages,
        [
            "looking for the file",
            "checked",
            "page 1 of 3",
            "page 2 of 3",
            "page 3 of 3",
            "read",
            "done"
        ]
    );
}

#[test]
fn what_was_processed_is_passed_on() {
    let (host, uploads) = host();
    let file = samples::customer_file();
    put(&uploads, "sample.pdf", &file);
    let report = processed(upload("sample.pdf", "application/pdf", file.len()));
    let path = format!("{}/sample.pdf", uploads.path().display());
    let sha256 = &report.sha256;
    let follow_ups = report.follow_ups.iter();
    let follow_ups: Vec<_> = follow_ups
        .map(|added| (added.queue.as_str(), added.job_id.as_str()))
        .collect();
    assert_eq!(
        follow_ups,
        [
            (
                "compliance-analysis",
                "demo-doc-123-1763866000123-compliance-analysis"
            ),
            ("notifications", "demo-doc-123-1763866000123-notifications"),
        ]
    );
    let added = host.added();
    assert_eq!(
        (
            added[0].queue.as_str(),
            added[0].name.as_str(),
            &added[0].data
        ),
        (
            "compliance-analysis",
            "analyze-compliance",
            &json!({
                "documentId": "demo-doc-123",
                "userId": "a81bc81b-dead-4e5d-abff-90865d1e13b1",
                "documentPath": path,
                "mimeType": "application/pdf",
                "complianceFrameworks": ["GDPR", "SOX"],
            })
        )
    );
    assert_eq!(
        (
            added[1].queue.as_str(),
            added[1].name.as_str(),
            &added[1].data
        ),
        (
            "notifications",
            "send-notification",
            &json!({
                "userId": "a81bc81b-dead-4e5d-abff-90865d1e13b1",
                "type": "email",
                "subject": "Document Processed",
                "message": format!(
                    "Your document has been processed: sample.pdf, 3 pages, 81 words (SHA-256 {sha256})."
                ),
            })
        )
    );
}

#[test]
fn the_digest_is_that_of_the_file() {
    let (_host, uploads) = host();
    put(&uploads, "a.txt", b"abc");
    // FIPS 180-4, example of SHA-256.
    assert_eq!(
        processed(upload("a.txt", "text/plain", 3)).sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn the_place_of_the_document_comes_before_the_name_of_the_file() {
    let (_host, uploads) = host();
    let words = |uploads: &TempDir, name: &str, words: &str| {
        put(uploads, name, words.as_bytes());
        processed(upload("a.txt", "text/plain", words.len())).text_preview
    };
    assert_eq!(words(&uploads, "a.txt", "by name"), "by name");
    assert_eq!(words(&uploads, "demo-doc-123.txt", "by id"), "by id");
    assert_eq!(words(&uploads, "demo-doc-123/a.txt", "by both"), "by both");
}

#[test]
fn a_file_that_is_not_there_yet_is_looked_for_again() {
    let (host, uploads) = host();
    let directory = uploads.path().display();
    // A directory of that name is no file.
    put(&uploads, "a.pdf/x", b"");
    let failure = handle(upload("a.pdf", "application/pdf", 3)).expect_err("it is not there");
    assert_eq!(
        failure,
        Failure::Retry(format!(
            "no file for the document \"demo-doc-123\": looked for {directory}/demo-doc-123/a.pdf, \
             {directory}/demo-doc-123.pdf, {directory}/a.pdf"
        ))
    );
    host.setting("directory", "/nowhere");
    assert_eq!(
        rejected(upload("a.pdf", "application/pdf", 3)),
        "the directory \"/nowhere\" is not granted; add `dirs = { \"/nowhere\" = \"<path>\" }` \
         under [plugins.<name>] in queues.toml"
    );
}

#[test]
fn a_name_is_no_path() {
    let (_host, uploads) = host();
    put(&uploads, "in/secret.txt", b"secret");
    for name in [
        "../a",
        "in/secret.txt",
        "..",
        ".",
        "",
        "in\\secret.txt",
        "/etc/passwd",
        "a\0",
    ] {
        assert_eq!(
            rejected(upload(name, "text/plain", 6)),
            format!(
                "data.filename: \"{}\" is not the name of a file: no \"/\", no \"\\\", not \"..\"",
                name.escape_debug()
            )
        );
    }
    let mut elsewhere = upload("secret.txt", "text/plain", 6);
    elsewhere.json = elsewhere.json.replace("demo-doc-123", "../uploads/in");
    let Err(Failure::Retry(reason)) = handle(elsewhere) else {
        panic!("an id with a path names no place");
    };
    assert!(!reason.contains("/../"), "{reason}");
}

#[test]
fn a_file_that_is_not_as_declared_is_rejected_with_both_values() {
    let (host, uploads) = host();
    put(&uploads, "a.pdf", b"plain text");
    let reason = "the file is not as declared: data.mimeType is \"application/pdf\", the file is \
                  text/plain; data.fileSize is 1024000, the file has 10 bytes";
    assert_eq!(
        rejected(upload("a.pdf", "application/pdf", 1_024_000)),
        reason
    );
    assert_eq!(
        rejected(upload("a.pdf", "text/plain", 9)),
        "the file is not as declared: data.fileSize is 9, the file has 10 bytes"
    );
    assert_eq!(host.added().len(), 0);
    host.setting("strict", "false");
    let report = processed(upload("a.pdf", "application/pdf", 1_024_000));
    assert_eq!(
        (report.mime_type.as_str(), report.bytes),
        ("text/plain", 10)
    );
    assert_eq!(host.logs()[0].to_string(), reason);
    assert_eq!(
        host.added()[0].data["mimeType"],
        "text/plain; charset=UTF-8"
    );
}

#[test]
fn what_cannot_be_read_is_rejected() {
    let (host, uploads) = host();
    put(&uploads, "a.pdf", b"%PDF-1.7 nothing");
    assert_eq!(
        rejected(upload("a.pdf", "application/pdf", 16)),
        "the PDF is damaged: it has no page that can be read"
    );
    put(&uploads, "a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    assert_eq!(
        rejected(upload("a.png", "image/png", 16)),
        "the file is image/png; text is read from PDF, DOCX, XLSX, PPTX, OpenDocument, EPUB, e-mail, HTML, Markdown, CSV and plain text, also compressed with gzip"
    );
    host.setting("max_size", "15");
    let path = format!("{}/a.png", uploads.path().display());
    assert_eq!(
        rejected(upload("a.png", "image/png", 16)),
        format!("{path} has 16 bytes, more than the 15 of the setting \"max_size\"")
    );
    assert_eq!(host.added().len(), 0);
}

#[test]
fn a_scan_is_not_analyzed_and_the_user_is_told() {
    let (host, uploads) = host();
    let file = samples::pdf("Scan", &[&[], &[]]);
    put(&uploads, "scan.pdf", &file);
    let report = processed(upload("scan.pdf", "application/pdf", file.len()));
    assert_eq!((report.pages, report.words), (Some(2), 0));
    let added = host.added();
    assert_eq!(added.len(), 1);
    let message = added[0].data["message"].as_str().expect("a text");
    assert!(
        message.ends_with(" No text was found in it, so it was not analyzed."),
        "{message}"
    );
    assert_eq!(
        host.logs()[1].message,
        "the document has no text; scanned pages need text recognition (OCR) first"
    );
}

#[test]
fn a_retry_adds_no_job_again() {
    let (host, uploads) = host();
    put(&uploads, "a.txt", b"text");
    host.refuse_adds(Error::Unavailable("connection refused".into()));
    let mut job = upload("a.txt", "text/plain", 4);
    let reason = "the job may not have been added: connection refused";
    let failure = handle(job.clone()).expect_err("it is refused");
    assert_eq!(failure, Failure::Retry(reason.into()));
    host.accept_adds();
    for attempt in 2..=3 {
        job.attempt = attempt;
        assert_eq!(processed(job.clone()).follow_ups.len(), 2);
    }
    let ids: Vec<_> = host
        .added()
        .into_iter()
        .map(|added| added.options.id.expect("it has an id"))
        .collect();
    assert_eq!(
        ids,
        [
            "demo-doc-123-1763866000123-compliance-analysis",
            "demo-doc-123-1763866000123-notifications"
        ]
    );
}

#[test]
fn ids_of_documents_may_have_colons() {
    let (host, uploads) = host();
    put(&uploads, "a.txt", b"text");
    let mut job = upload("a.txt", "text/plain", 4);
    job.json = job.json.replace("demo-doc-123", "urn:uuid:7");
    assert_eq!(processed(job).document_id, "urn:uuid:7");
    assert_eq!(
        host.added()[0].options.id.as_deref(),
        Some("urn-uuid-7-1763866000123-compliance-analysis")
    );
}

#[test]
fn settings_choose_the_follow_ups() {
    let (host, uploads) = host();
    put(&uploads, "a.txt", b"text");
    host.setting("frameworks", r#"["HIPAA"]"#);
    processed(upload("a.txt", "text/plain", 4));
    assert_eq!(
        host.added()[0].data["complianceFrameworks"],
        json!(["HIPAA"])
    );
    drop(host);
    let host = Host::new();
    host.setting("directory", uploads.path().to_string_lossy());
    host.setting("followups", "false");
    let report = processed(upload("a.txt", "text/plain", 4));
    assert_eq!((report.follow_ups.len(), host.added().len()), (0, 0));
}

#[test]
fn an_upload_may_be_an_object_of_a_store() {
    let host = Host::new();
    host.setting("store", "documents");
    let file = samples::customer_file();
    let missing = match handle(upload("sample.pdf", "application/pdf", file.len())) {
        Err(Failure::Retry(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        missing,
        "no object for the document \"demo-doc-123\" in the store \"documents\": looked for \
         demo-doc-123/sample.pdf, demo-doc-123.pdf, sample.pdf"
    );
    host.blob("documents", "demo-doc-123.pdf", file.clone());
    let report = processed(upload("sample.pdf", "application/pdf", file.len()));
    assert_eq!(report.path, "blobs:demo-doc-123.pdf");
    assert_eq!((report.bytes, report.words), (file.len() as u64, 81));
    assert_eq!(
        host.added()[0].data["documentPath"],
        "blobs:demo-doc-123.pdf"
    );
    host.setting("max_size", "10");
    let large = rejected(upload("sample.pdf", "application/pdf", file.len()));
    assert!(
        large.ends_with("more than the 10 of the setting \"max_size\""),
        "{large}"
    );
}
