//! Sends many requests by `wasi:http` at once, as `fetch` in JavaScript does, and
//! returns how many were answered.

use runner_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

#[derive(Deserialize)]
struct Fetches {
    /// `127.0.0.1:8080`
    host: String,
    /// Requests at once.
    count: usize,
    /// Bytes that each of them sends.
    #[serde(default)]
    send: usize,
    /// Keep all responses before the content of the first is read.
    #[serde(default)]
    hoard: bool,
}

fn run(job: Job) -> Result<Value> {
    let fetches: Fetches = job.data()?;
    let sent: Vec<_> = (0..fetches.count).map(|_| send(&fetches)).collect();
    let mut answered = 0;
    let mut bytes = 0;
    let mut failures = std::collections::BTreeMap::<String, usize>::new();
    let mut hoard = Vec::new();
    for future in sent {
        match future.and_then(|future| response(&future)) {
            Ok(response) if fetches.hoard => hoard.push(response),
            Ok(response) => {
                answered += 1;
                bytes += read(&response);
            }
            Err(code) => *failures.entry(code).or_default() += 1,
        }
    }
    for response in hoard {
        answered += 1;
        bytes += read(&response);
    }
    Ok(json!({ "answered": answered, "bytes": bytes, "failures": failures }))
}

fn send(fetches: &Fetches) -> std::result::Result<FutureIncomingResponse, String> {
    let request = OutgoingRequest::new(Fields::new());
    let set = request
        .set_scheme(Some(&Scheme::Http))
        .and_then(|()| request.set_authority(Some(&fetches.host)))
        .and_then(|()| request.set_path_with_query(Some("/")));
    set.map_err(|()| "the URL".to_owned())?;
    if fetches.send == 0 {
        return handle(request, None).map_err(|code| code.to_string());
    }
    let _ = request.set_method(&Method::Post);
    let body = request.body().map_err(|()| "the body".to_owned())?;
    let future = handle(request, None).map_err(|code| code.to_string())?;
    let stream = body.write().map_err(|()| "the stream".to_owned())?;
    for _ in 0..fetches.send.div_ceil(4096) {
        stream
            .blocking_write_and_flush(&[b'x'; 4096])
            .map_err(|error| error.to_string())?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|code| code.to_string())?;
    Ok(future)
}

fn response(future: &FutureIncomingResponse) -> std::result::Result<IncomingResponse, String> {
    future.subscribe().block();
    let response = future.get().and_then(std::result::Result::ok);
    let response = response.ok_or_else(|| "no response".to_owned())?;
    response.map_err(|code| code.to_string())
}

/// The length of the content.
fn read(response: &IncomingResponse) -> usize {
    let Ok(body) = response.consume() else {
        return 0;
    };
    let Ok(stream) = body.stream() else {
        return 0;
    };
    let mut bytes = 0;
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) => bytes += chunk.len(),
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => return bytes,
        }
    }
}

runner_sdk::handler!(run);
