//! Looks for what GDPR, SOX, PCI DSS and HIPAA care about in a document: the
//! contract `docs:jobs/compliance-analysis`.
//!
//! The frameworks are GDPR, SOX, PCI (or PCI-DSS) and HIPAA. The rules are in `rules/`: patterns with
//! ranges and words around, and in `identifiers/` the numbers that authorities and
//! banks give out, with their check digits, so that little is found that is not
//! there. They read English; numbers also behind German, French, Spanish and Hindi
//! words. The README says which.
//!
//! ```toml
//! [plugins.compliance-analyzer]
//! dirs = { "/documents" = "data/documents" }
//! http = ["https://api.openai.com"]                # for the model
//! secrets = { MODEL_API_KEY = "env:MODEL_API_KEY?" } # if the model asks for it
//!
//! [plugins.compliance-analyzer.config]
//! directory = "/documents"               # where documents must lie; the default
//! store = "documents"                    # the store of `blobs` with documents `blobs:KEY`; the default
//! max_size = 67108864                    # a larger file is rejected; in bytes, default 64 MiB
//! findings_per_rule = 20                 # places shown, all are counted; the default
//! notifications_queue = "notifications"  # told of grave findings; the default
//! model_url = "https://api.openai.com/v1"  # OpenAI's chat API; without it no model
//! model = "gpt-5-mini"
//! model_required = false                 # true: no result without a summary
//! ```
//!
//! The result, whose fields stay as they are:
//!
//! ```json
//! {
//!   "documentId": "9b2f6c1e",
//!   "document": { "path": "/documents/doc.pdf", "mimeType": "application/pdf", "bytes": 1024000, "pages": 3, "characters": 7012 },
//!   "verdict": "fail",
//!   "severity": "critical",
//!   "frameworks": [{ "framework": "PCI", "score": 60, "verdict": "fail", "rules": 1 }],
//!   "findings": [{ "rule": "card-number", "severity": "critical", "frameworks": ["PCI"], "page": 2, "line": 14, "column": 7, "excerpt": "4111 **** **** 1111" }],
//!   "totals": [{ "rule": "card-number", "title": "Payment card number in clear", "severity": "critical", "frameworks": ["PCI"], "count": 31, "shown": 20 }],
//!   "recommendations": [{ "severity": "critical", "rules": ["card-number"], "text": "Remove card numbers, …" }],
//!   "summary": null,
//!   "warnings": []
//! }
//! ```
//!
//! `verdict` is pass, review or fail; `severity` info, low, medium, high,
//! critical or null. No value that was found leaves the plugin uncovered: not in
//! the result, not in a log line, not to the model.
//!
//! From severity high on the user is told by e-mail, once, with the job
//! `send-notification`.

runner_sdk::contract!({
    path: ["../../wit/runner", "../../wit/queues/documents.wit"],
    world: "docs:jobs/compliance-analyzer",
});

mod check;
mod framework;
mod identifiers;
mod model;
mod notice;
mod redact;
mod report;
mod request;
mod rule;
mod rules;
mod scan;

use exports::docs::jobs::compliance_analysis::{Analysis, Guest};
use runner_sdk::prelude::*;
use runner_sdk::typed;

pub use crate::framework::{Framework, Severity};
pub use crate::report::{Assessment, Document, Finding, Recommendation, Report, Total, Verdict};

use crate::request::Request;
use crate::scan::Scanner;

struct Analyzer;

runner_sdk::serve!(Analyzer);

impl Guest for Analyzer {
    fn analyze_compliance(data: Analysis) -> Result<String, typed::Failure> {
        let report = analyze(&Job::current(), data)?;
        Ok(serde_json::to_string(&report)?)
    }
}

/// Analyse the document of one job.
///
/// # Errors
/// Rejects a framework that is not known, and a document that is not there, is too
/// large or has no text; retries what may work later.
fn analyze(job: &Job, data: Analysis) -> Result<Report> {
    let request = Request::read(data)?;
    let shown = config::json("findings_per_rule")?
        .unwrap_or(20_usize)
        .min(1000);
    progress::describe(0.0, "reading the document");
    let (bytes, document) = request.document()?;
    let size = document.text.len();
    progress::describe(20.0, "preparing the rules");
    let scanner = Scanner::new(rules::for_frameworks(&request.frameworks));
    let found = scanner.scan(&document.text, &document.pages, shown, |done| {
        let part = done as f64 / size as f64;
        progress::describe(
            25.0 + 60.0 * part,
            &format!("scanned {:.1} of {:.1} MiB", mib(done), mib(size)),
        );
    });
    progress::describe(85.0, "weighing the findings");
    let about = Document {
        path: request.path.clone(),
        mime_type: document.kind.media_type(),
        bytes,
        pages: document.pages.len().max(1),
        characters: document.characters(),
    };
    let mut report = Report::new(&request, about, scanner.rules(), &found);
    if !document.kind.may_be(&request.mime_type) {
        let warning = format!(
            "data.mimeType is \"{}\", the file is {}",
            request.mime_type.escape_debug(),
            document.kind.media_type()
        );
        log::warn!("{warning}");
        report.warnings.push(warning);
    }
    log::info!(
        findings = report.totals.iter().map(|total| total.count).sum::<u64>(),
        rules = report.totals.len(),
        "analysed {} bytes on {} pages",
        report.document.bytes,
        report.document.pages,
    );
    notice::send(job, &request, &report)?;
    if config::get("model_url").is_some() {
        progress::describe(90.0, "asking the model");
        model::summarise(job, &mut report)?;
    }
    progress::describe(100.0, "done");
    Ok(report)
}

/// For people to read.
fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests;
