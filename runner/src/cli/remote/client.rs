//! A client of the API: sends a call, and reads the answer or why there is none.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use reqwest::{Response, StatusCode, Url, header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use crate::api;
use crate::cli::{Exit, Result};

/// How long a connection may take; who waits is a person.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: longer than any call that the API bounds.
const ANSWER: Duration = Duration::from_secs(60);
/// Bytes a second with which at least a body is thought to be sent.
const SLOW: u64 = 16 << 10;
/// How long to wait at most where requests come too often.
const PATIENCE: Duration = Duration::from_secs(60);
/// Kinds of answers.
pub(super) const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
pub(super) const EVENTS: &str = "text/event-stream";

/// A client of one server.
pub(in crate::cli) struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    /// As it was written, without what is secret in it.
    shown: String,
    token: Option<String>,
}

/// A problem (RFC 9457), as far as it is told on.
#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
}

impl Client {
    pub(super) fn new(server: &str, token: Option<String>, ca: Option<&Path>) -> Result<Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("runner/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .tls_backend_preconfigured(tls(ca)?);
        let (base, shown) = match server.strip_prefix("unix:") {
            Some(path) => {
                if path.is_empty() {
                    return Err(wrong(server));
                }
                builder = builder.unix_socket(Path::new(path));
                ("http://localhost".to_owned(), server.to_owned())
            }
            None => based(server)?,
        };
        let http = builder.build().map_err(Exit::failed)?;
        Ok(Client {
            http,
            base,
            shown,
            token,
        })
    }

    /// Send a call, and read its answer.
    pub(in crate::cli) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let response = self.told(&call, JSON).await?;
        let text = self.text(response, &call, JSON).await?;
        serde_json::from_str(&text).map_err(|error| self.unknown(&call, &error))
    }

    /// Send a call, and read the lines of its answer.
    pub(super) async fn ask_lines<T: DeserializeOwned>(&self, call: &Call) -> Result<Vec<T>> {
        let response = self.told(call, LINES).await?;
        let text = self.text(response, call, LINES).await?;
        let lines = text.lines().map(serde_json::from_str);
        let lines = lines.collect::<serde_json::Result<Vec<T>>>();
        lines.map_err(|error| self.unknown(call, &error))
    }

    /// Send a call that is refused for this reason unless something else is wrong.
    pub(super) async fn is_refused(&self, call: &Call, kind: &str) -> Result {
        let response = self.send(call, LINES, Some(ANSWER), None).await?;
        if response.status().is_success() {
            return Ok(());
        }
        let (status, problem) = self.problem(response, call).await?;
        match problem.kind.rsplit('/').next() == Some(kind) {
            true => Ok(()),
            false => Err(self.refused(status, problem, call)),
        }
    }

    /// Send a call whose answer is told while it goes on; `after` is the last event that
    /// was heard.
    pub(super) async fn hear(&self, call: &Call, after: Option<&str>) -> Result<Response> {
        let response = self.send(call, EVENTS, None, after).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refusal(response, call).await),
        }
    }

    /// Send a call whose answer is for a terminal; a response that says yes.
    async fn told(&self, call: &Call, accept: &'static str) -> Result<Response> {
        let long = call.body.as_ref().map_or(0, |body| body.bytes.len() as u64);
        let time = ANSWER + Duration::from_secs(long / SLOW);
        let response = self.send(call, accept, Some(time), None).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refusal(response, call).await),
        }
    }

    /// Send a call, again when it came too soon after others: nothing was done then.
    async fn send(
        &self,
        call: &Call,
        accept: &'static str,
        time: Option<Duration>,
        after: Option<&str>,
    ) -> Result<Response> {
        let url = format!("{}{}", self.base, call.path);
        loop {
            let mut request = self.http.request(call.method.clone(), &url);
            request = request.header(header::ACCEPT, accept);
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            if let Some(body) = &call.body {
                let body = body.clone();
                request = request.header(header::CONTENT_TYPE, body.kind);
                request = request.body(body.bytes);
            }
            if accept != EVENTS {
                // Results are for whoever waits for them; all else is for a terminal.
                request = request.header(api::COVER, "sensitive");
            }
            if let Some(after) = after {
                request = request.header("last-event-id", after);
            }
            if let Some(time) = time {
                request = request.timeout(time);
            }
            let response = request.send().await.map_err(|error| self.unsent(&error))?;
            match again(&response) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Ok(response),
            }
        }
    }

    async fn text(&self, response: Response, call: &Call, kind: &str) -> Result<String> {
        let is = kind_of(&response);
        if !is.starts_with(kind) {
            return Err(self.stranger(response.status(), &is, call));
        }
        response.text().await.map_err(|error| self.unsent(&error))
    }

    /// An answer that this version does not know.
    pub(super) fn unknown(&self, call: &Call, error: &serde_json::Error) -> Exit {
        Exit::failed(format!(
            "the answer of {} to {} {} is not what this runner ({}) knows: {error}; another \
             version of Runner may serve there",
            self.shown,
            call.method,
            call.path,
            env!("CARGO_PKG_VERSION")
        ))
    }

    /// Why a request did not get an answer.
    pub(super) fn unsent(&self, error: &reqwest::Error) -> Exit {
        let shown = &self.shown;
        if error.is_timeout() {
            return Exit::unreachable(format!("the Runner at {shown} did not answer in time"));
        }
        // The innermost says what happened.
        let mut why = error.source();
        let mut text = error.to_string();
        while let Some(inner) = why {
            text = inner.to_string();
            why = inner.source();
        }
        let hint = match text.contains("certificate") {
            true => "; name its authority with --ca FILE, if it is one of your own",
            false => "",
        };
        Exit::unreachable(format!(
            "the Runner at {shown} cannot be reached: {text}{hint}"
        ))
    }

    /// Why the server says no.
    async fn refusal(&self, response: Response, call: &Call) -> Exit {
        match self.problem(response, call).await {
            Ok((status, problem)) => self.refused(status, problem, call),
            Err(exit) => exit,
        }
    }

    /// The problem that an answer is.
    async fn problem(&self, response: Response, call: &Call) -> Result<(StatusCode, Problem)> {
        let (status, kind) = (response.status(), kind_of(&response));
        let text = response.text().await.unwrap_or_default();
        let problem = kind.starts_with("application/problem+json");
        let problem = problem.then(|| serde_json::from_str(&text).ok()).flatten();
        let problem = problem.ok_or_else(|| self.stranger(status, &kind, call))?;
        Ok((status, problem))
    }

    fn refused(&self, status: StatusCode, problem: Problem, call: &Call) -> Exit {
        let Problem { kind, detail } = problem;
        let shown = &self.shown;
        match status {
            StatusCode::UNAUTHORIZED if self.token.is_none() => Exit::denied(format!(
                "the Runner at {shown} wants a token: give one with --token env:NAME, --token \
                 file:PATH or RUNNER_TOKEN"
            )),
            StatusCode::UNAUTHORIZED => Exit::denied(format!(
                "the Runner at {shown} does not take the token: {detail}"
            )),
            StatusCode::FORBIDDEN => {
                Exit::denied(format!("the Runner at {shown} refuses: {detail}"))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                if kind.ends_with("/unknown-path") || kind.ends_with("/unknown-method") =>
            {
                Exit::failed(format!(
                    "the Runner at {shown} has no {}: it is of an older version than this one \
                     ({})",
                    call.shown(),
                    env!("CARGO_PKG_VERSION")
                ))
            }
            StatusCode::NOT_FOUND => Exit::not_found(detail),
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Exit::usage(detail),
            StatusCode::SERVICE_UNAVAILABLE => Exit::unreachable(detail),
            _ => Exit::failed(detail),
        }
    }

    /// What answers is no Runner.
    pub(super) fn stranger(&self, status: StatusCode, kind: &str, call: &Call) -> Exit {
        let kind = match kind {
            "" => "nothing",
            kind => kind,
        };
        Exit::failed(format!(
            "what answers at {} is not the API of a Runner: to {} it sent {} with {kind:?}",
            self.shown,
            call.shown(),
            status.as_u16()
        ))
    }
}

/// The kind of what was answered.
pub(super) fn kind_of(response: &Response) -> String {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.unwrap_or_default().to_owned()
}

/// After how long a request that came too soon may come again.
fn again(response: &Response) -> Option<Duration> {
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let after = response.headers().get(header::RETRY_AFTER)?;
    let after = Duration::from_secs(after.to_str().ok()?.parse().ok()?);
    (after <= PATIENCE).then_some(after)
}

fn wrong(server: &str) -> Exit {
    Exit::usage(format!(
        "{server:?} is not the URL of a server: write https://host, http://host:3000 or unix:/path"
    ))
}

/// The base of all requests, and how it is shown.
fn based(server: &str) -> Result<(String, String)> {
    let url = Url::parse(server).map_err(|_| wrong(server))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong(server));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Exit::usage(
            "the URL of the server has a user or a password in it; give a token with --token",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(server));
    }
    let base = url.as_str().trim_end_matches('/').to_owned();
    Ok((base.clone(), base))
}

/// By what a server is known: the usual authorities, or those of a file.
fn tls(ca: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let unread = |why: String| {
                Exit::usage(format!(
                    "the certificates of --ca cannot be read: {}: {why}",
                    file.display()
                ))
            };
            let pem = std::fs::read(file).map_err(|error| unread(error.to_string()))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| unread(error.to_string()))?;
                let added = roots.add(certificate);
                added.map_err(|error| unread(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unread("it holds none; PEM is wanted".to_owned()));
            }
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(Exit::failed)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
