//! Reaches for what the job's name says, and returns what it got.

use std::time::Duration;

use runner_sdk::prelude::*;
use runner_sdk::queue::Deduplication;
use serde_json::{Value, json};

// Long because it is one match: an arm for each thing that a test asks of the host.
fn handle(job: Job) -> Result<Value> {
    let data: Value = job.data()?;
    let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
    Ok(match job.name.as_str() {
        "progress" => {
            for percent in 0..=100 {
                progress::set(f64::from(percent));
            }
            json!("done")
        }
        "log" => {
            log::info!(order = 7, "a line with a field");
            log::error!("secret {}", config::secret("TOKEN").unwrap_or_default());
            json!(null)
        }
        "environment" => json!(std::env::vars().collect::<Vec<_>>()),
        "scratch" => {
            if std::fs::exists("/tmp/x").is_ok_and(|exists| exists) {
                return Ok(json!("another job's"));
            }
            let wrote = std::fs::write("/tmp/x", "text");
            let read = wrote.and_then(|()| std::fs::read_to_string("/tmp/x"));
            match read.map_err(|error| reject(error.to_string()))?.as_str() {
                "text" => json!("written and read"),
                other => json!(other),
            }
        }
        "config" => json!({
            "all": config::all(),
            "secret": config::secret("TOKEN").map(|secret| secret.len()),
            "missing": config::secret("MISSING"),
        }),
        "leak" => {
            return Err(reject(format!(
                "token {}",
                config::require_secret("TOKEN")?
            )));
        }
        "add" => {
            let added = queue::add(&text("queue"), &text("name"), &data["data"]).send();
            json!(added.map_err(|error| error.to_string()))
        }
        "add-once" => {
            let once = match text("how").as_str() {
                "until-ended" => Deduplication::until_ended(text("id")),
                "throttle" => Deduplication::throttle(text("id"), Duration::from_secs(60)),
                "debounce" => Deduplication::debounce(text("id"), Duration::from_secs(60)),
                _ => Deduplication::until_ended(text("id")).keep_last_if_active(),
            };
            let added = (0..2).map(|n| {
                queue::add(&text("queue"), "once", &n)
                    .delay(Duration::from_secs(60))
                    .deduplicate(once.clone())
                    .send()
                    .map_err(|error| error.to_string())
            });
            json!(added.collect::<std::result::Result<Vec<_>, _>>())
        }
        "add-small" => {
            let job = queue::add(&text("queue"), "small", &data["data"]);
            json!(job.size_limit(5).send().map_err(|error| error.to_string()))
        }
        "add-many" => {
            let count = data["count"].as_u64().unwrap_or(0);
            let jobs = (0..count).map(|n| queue::add(&text("queue"), "one", &n));
            let added = queue::add_all(jobs);
            json!(
                added
                    .map(|ids| ids.len())
                    .map_err(|error| error.to_string())
            )
        }
        "checkpoint" => {
            let first = checkpoint::once("step", || Ok(job.attempt))?;
            if job.attempt == 1 {
                return Err(retry("after the step"));
            }
            json!({ "stepRanInAttempt": first, "attempt": job.attempt })
        }
        "read" => json!(std::fs::read_to_string(text("path")).map_err(|error| error.to_string())),
        "list" => {
            let count = data["count"].as_u64().unwrap_or(1);
            let open = || std::fs::read_dir(text("path"));
            // All of them at once, then one after the other.
            let held: Vec<_> = (0..count).map(|_| open()).collect();
            let opened = held.iter().filter(|listing| listing.is_ok()).count();
            drop(held);
            let again = (0..count).filter(|_| open().is_ok()).count();
            let names = open().map(|names| names.filter_map(|name| name.ok()).count());
            json!([opened, again, names.map_err(|error| error.to_string())])
        }
        "write" => json!(std::fs::write(text("path"), "x").map_err(|error| error.to_string())),
        "env" => json!(std::env::vars().collect::<Vec<_>>()),
        "fetch" => {
            let redirects = data["redirects"].as_u64().unwrap_or(0) as u8;
            let timeout = Duration::from_millis(data["timeout"].as_u64().unwrap_or(20_000));
            let request = http::get(text("url")).redirects(redirects);
            let answer = request.timeout(timeout).send();
            json!(
                answer
                    .map(|response| response.status())
                    .map_err(|error| error.to_string())
            )
        }
        "insist" => loop {
            let _ = queue::add(&text("queue"), "insisted", &0).send();
            let _ = job.update_data(&data);
            progress::set(50.0);
            log::info!("still here");
            std::thread::sleep(Duration::from_millis(10));
        },
        "tell" => {
            let secret = config::require_secret("TOKEN")?;
            println!("{secret}");
            eprint!("{secret}");
            log::warn!(token = secret, "{secret}");
            progress::describe(1.0, &secret);
            match text("how").as_str() {
                "panic" => panic!("{secret}"),
                "retry" => return Err(retry(secret)),
                _ => json!({ "token": secret }),
            }
        }
        "hook" => {
            let hook = config::require_secret("TOKEN")?;
            let forms = forms(&hook);
            for form in &forms {
                println!("{form}");
                log::warn!(form = form, "{form}");
                progress::describe(1.0, form);
            }
            let sent = http::post(&hook).json(&forms);
            let sent = sent.header("x-hook", &forms[4]).send();
            let asked = http::post(&hook).form([("hook", hook.as_str())]).send();
            let denied = http::get(hook.replace(".com:443", ".org")).send();
            return Err(retry(format!("{forms:?} {sent:?} {asked:?} {denied:?}")));
        }
        "add-large" | "update-large" => {
            let large = "x".repeat(data["bytes"].as_u64().unwrap_or(0) as usize);
            let write = || match job.name.as_str() {
                "update-large" => job
                    .update_data(&large)
                    .map_err(|error| error.reason().to_owned()),
                _ => {
                    let added = queue::add(&text("queue"), "large", &large).send();
                    added.map(drop).map_err(|error| error.to_string())
                }
            };
            let mut written = 0;
            let refused = loop {
                match write() {
                    Ok(()) => written += 1,
                    Err(refused) => break refused,
                }
            };
            json!({ "written": written, "refused": refused })
        }
        "deep" => {
            let levels = data["levels"].as_u64().unwrap_or(0);
            let deep = (0..levels).fold(json!(1), |inner, _| json!([inner]));
            let added = queue::add(&text("queue"), "deep", &deep).send();
            let updated = job.update_data(&deep);
            checkpoint::once("deep", || Ok(deep.clone()))?;
            progress::set_json(&deep)?;
            if data["return"] == true {
                return Ok(deep);
            }
            json!([
                added.map_err(|error| error.to_string()),
                updated.map_err(|error| error.reason().to_owned()),
            ])
        }
        "update" => {
            job.update_data(&json!({ "updated": true }))?;
            json!(null)
        }
        other => return Err(reject(format!("nothing is named {other:?}"))),
    })
}

runner_sdk::handler!(handle);

/// A secret URL as it is, as it is sent, percent-encoded, in JSON, and as a password.
fn forms(hook: &str) -> [String; 5] {
    use base64::Engine;
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).into(),
        byte => format!("%{byte:02X}"),
    };
    [
        hook.to_owned(),
        hook.replace("HTTPS://Hooks.Example.com:443", "https://hooks.example.com")
            .replace('"', "%22"),
        hook.bytes().map(encode).collect(),
        json!(hook).to_string(),
        base64::prelude::BASE64_STANDARD.encode(format!("user:{hook}")),
    ]
}
