//! A summary in words by a model with OpenAI's chat API.
//!
//! The model is told what the rules found, with what is private covered; no text
//! of the document and no name of a person or file leaves the plugin.

use runner_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::report::{Finding, Report};

/// Findings that the model is told, the gravest ones: about 4 000 tokens.
const TOLD: usize = 100;
/// Characters of the answer that are kept.
const KEPT: usize = 8000;

const TASK: &str = "You are a compliance officer. You get the findings of an automatic scan of \
    one document as JSON; private values are covered. Write a summary for the owner of the \
    document in at most 150 words: what is most urgent, why, and what to do first. Rely on the \
    findings only.";

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

/// What the model is told.
#[derive(Serialize)]
struct Told<'a> {
    frameworks: &'a [crate::report::Assessment],
    totals: &'a [crate::report::Total],
    findings: &'a [Finding],
}

/// Ask the model, if there is one. It is asked once over all attempts.
///
/// Unless the setting `model_required` is true, a model that fails is a warning
/// in the report; but what asks for time (429, 503 with `Retry-After`) gets it
/// as long as attempts are left.
pub(crate) fn summarise(job: &Job, report: &mut Report) -> Result {
    let Some(url) = config::get("model_url") else {
        return Ok(());
    };
    let required = config::json("model_required")?.unwrap_or(false);
    let model = config::require("model")?;
    match checkpoint::once("summary", || ask(&url, &model, report)) {
        Ok(summary) => report.summary = Some(summary),
        Err(failure) if required => return Err(failure),
        Err(failure @ Failure::RetryAfter(..)) if job.attempt < job.max_attempts => {
            return Err(failure);
        }
        Err(failure) => {
            let warning = format!("there is no summary: {}", failure.reason());
            log::warn!("{warning}");
            report.warnings.push(warning);
        }
    }
    Ok(())
}

fn ask(url: &str, model: &str, report: &Report) -> Result<String> {
    let told = Told {
        frameworks: &report.frameworks,
        totals: &report.totals,
        findings: &report.findings[..report.findings.len().min(TOLD)],
    };
    let told = serde_json::to_string(&told).map_err(reject)?;
    let mut request = http::post(format!("{}/chat/completions", url.trim_end_matches('/')));
    if let Some(key) = config::secret("MODEL_API_KEY") {
        request = request.bearer(&key);
    }
    let completion: Completion = request
        .json(&json!({
            "model": model,
            "messages": [
                { "role": "system", "content": TASK },
                { "role": "user", "content": told },
            ],
        }))
        .send()?
        .error_for_status()?
        .json()?;
    let content = completion
        .choices
        .into_iter()
        .find_map(|choice| choice.message.content)
        .unwrap_or_default();
    match content.trim() {
        "" => Err(retry("the model answered nothing")),
        content => Ok(content.chars().take(KEPT).collect()),
    }
}
