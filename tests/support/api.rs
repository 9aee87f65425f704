//! The HTTP API of a runner under test, and a client of it.

use std::str::FromStr;
use std::sync::Once;

use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::Value;

use super::Runner;

/// The address of a server, and a client.
pub(crate) struct Api {
    address: String,
    client: Client,
}

/// A status with the body as JSON, or as text where it is none.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Runner {
    /// The HTTP API, once it listens.
    #[track_caller]
    pub(crate) fn api(&self) -> Api {
        let line = self.until_logged("the HTTP API listens");
        let line: Value = serde_json::from_str(&line).expect("the log is JSON");
        let address = line["address"]
            .as_str()
            .or(line["fields"]["address"].as_str());
        Api::at(address.expect("the line has the address"))
    }
}

impl Api {
    /// The server at this address.
    pub(crate) fn at(address: &str) -> Api {
        Api::prepare();
        let client = Client::builder().no_proxy().build();
        Api {
            address: address.to_owned(),
            client: client.expect("a client can be made"),
        }
    }

    /// What must be done before a client is made.
    pub(crate) fn prepare() {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another test may have been first.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
    }

    /// `127.0.0.1:41234`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A request that is still to be sent: `api.request("GET", "/livez")`.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_str(method).expect("a method");
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url)
    }

    /// GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path))
    }

    /// POST of this JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request("POST", path).json(body))
    }
}

/// Send it, and read the answer.
pub(crate) fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().expect("the server answers");
    let status = response.status().as_u16();
    let text = response.text().expect("the answer is text");
    Answer {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
