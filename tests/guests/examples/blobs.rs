//! Asks object stores for what the payload says, by the bindings themselves: `calls` is a
//! list of `[what, store, key, {…}]`, and so are the answers.

use runner_sdk::prelude::*;
use serde_json::{Value, json};

use runner_sdk::bindings::runner::plugin::blobs::{
    self, Access, Condition, Error, Metadata, Range, Upload, WriteOptions,
};

/// Bytes of a call.
const CALL: u64 = 8 << 20;

fn handle(job: Job) -> Result<Value> {
    let data: Value = job.data()?;
    let calls = data["calls"].as_array().cloned().unwrap_or_default();
    let mut held = Vec::new();
    let answers = calls.iter().map(|call| {
        let text = |at: usize| call[at].as_str().unwrap_or_default();
        let answer = ask(text(0), text(1), text(2), &call[3], &mut held);
        answer.unwrap_or_else(|error| told(&error))
    });
    let answers: Vec<Value> = answers.collect();
    if data["insist"] == true {
        loop {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    if data["panic"] == true {
        panic!("with uploads open");
    }
    Ok(json!(answers))
}

// Long because it is one match: an arm for each thing that a test asks of a store.
fn ask(
    what: &str,
    store: &str,
    key: &str,
    with: &Value,
    held: &mut Vec<Upload>,
) -> std::result::Result<Value, Error> {
    let number = |name: &str| with[name].as_u64();
    Ok(match what {
        "get" => {
            let range = number("offset").map(|offset| Range {
                offset,
                length: number("length").unwrap_or(u64::MAX),
            });
            let content = blobs::get(store, key, range)?;
            let text = match content.bytes.len() {
                0..1000 => json!(String::from_utf8_lossy(&content.bytes)),
                long => json!(long),
            };
            json!({ "content": text, "object": object(content.object) })
        }
        "head" => object(blobs::head(store, key)?),
        "put" => {
            let bytes = match number("bytes") {
                Some(bytes) => vec![b'x'; bytes as usize],
                None => with["text"].as_str().unwrap_or_default().into(),
            };
            json!(blobs::put(store, key, &bytes, &options(with))?)
        }
        "delete" => {
            blobs::delete(store, key)?;
            json!("deleted")
        }
        "list" => {
            let cursor = with["cursor"].as_str();
            let limit = number("limit").unwrap_or(1000) as u32;
            let page = blobs::list_objects(store, key, cursor, limit)?;
            let objects = page.objects.into_iter().map(object);
            json!({ "objects": objects.collect::<Vec<_>>(), "cursor": page.cursor })
        }
        "presign" => {
            let access = match with["access"] == "write" {
                true => Access::Write,
                false => Access::Read,
            };
            json!(blobs::presign(
                store,
                key,
                access,
                number("seconds").unwrap_or(60) as u32
            )?)
        }
        // Parts of one size, and an end as the test wants it.
        "upload" => {
            let upload = blobs::begin(store, key, &options(with))?;
            let part = vec![b'x'; number("bytes").unwrap_or(0) as usize];
            for _ in 0..number("parts").unwrap_or(1) {
                upload.append(&part)?;
            }
            match with["end"].as_str() {
                Some("drop") => json!("dropped"),
                Some("hold") => {
                    held.push(upload);
                    json!("held")
                }
                Some("twice") => {
                    upload.finish()?;
                    json!(upload.finish()?)
                }
                _ => json!(upload.finish()?),
            }
        }
        // By ranges, into another store.
        "copy" => {
            let [to, name] = ["to", "as"].map(|name| with[name].as_str().unwrap_or_default());
            let upload = blobs::begin(to, name, &options(with))?;
            let mut offset = 0;
            loop {
                let range = Range {
                    offset,
                    length: CALL,
                };
                let content = blobs::get(store, key, Some(range))?;
                if content.bytes.is_empty() {
                    break;
                }
                offset += content.bytes.len() as u64;
                upload.append(&content.bytes)?;
            }
            upload.finish()?;
            json!(offset)
        }
        other => json!({ "no": other }),
    })
}

fn options(with: &Value) -> WriteOptions {
    WriteOptions {
        condition: match with["if"].as_str() {
            None => Condition::Always,
            Some("absent") => Condition::Absent,
            Some(etag) => Condition::Unchanged(etag.to_owned()),
        },
        content_type: with["type"].as_str().map(str::to_owned),
    }
}

fn object(of: Metadata) -> Value {
    json!({ "key": of.key, "size": of.size, "etag": of.etag, "modified": of.modified })
}

fn told(error: &Error) -> Value {
    let (why, text) = match error {
        Error::Denied(text) => ("denied", text),
        Error::NotFound(text) => ("not-found", text),
        Error::Precondition(text) => ("precondition", text),
        Error::Invalid(text) => ("invalid", text),
        Error::TooLarge(text) => ("too-large", text),
        Error::Timeout(text) => ("timeout", text),
        Error::Unavailable(text) => ("unavailable", text),
    };
    json!({ "why": why, "error": text })
}

runner_sdk::handler!(handle);
