//! The HTTP client of object stores: the connections of plugins' HTTP, under the same
//! policy. It follows no redirect and knows no proxy.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::USER_AGENT;
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use runner_blobs::http::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use url::Url;

use super::connect::Connector;
use super::policy::Policy;
use super::{Error, request, response};

/// The connections of one plugin's stores. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct StoreHttp {
    pub(super) client: Client<HttpsConnector<Connector>, HttpRequestBody>,
    pub(super) policy: Arc<Policy>,
}

impl HttpConnector for StoreHttp {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient, runner_blobs::http::Error> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for StoreHttp {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| refused("its endpoint is not a URL".to_owned()))?;
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        // An address never comes to the resolver, which checks those of names.
        if let Ok(address) = literal.parse::<IpAddr>() {
            let checked = self.policy.check_addresses(host, &[address]);
            checked.map_err(|error| failed(&url, error, HttpErrorKind::Unknown))?;
        }
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(request::USER_AGENT);
        let answer = self.client.request(request).await.map_err(|error| {
            let kind = match error.is_connect() {
                true => HttpErrorKind::Connect,
                // A connection that was closed while it waited, among others.
                false => HttpErrorKind::Request,
            };
            failed(&url, response::client_error(&url, &error), kind)
        })?;
        let (head, body) = answer.into_parts();
        let body = body.map_err(move |error| {
            let text = format!("its answer broke off: {error}");
            let error = runner_blobs::Error::Unavailable(text);
            HttpError::new(HttpErrorKind::Interrupted, error)
        });
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

fn refused(text: String) -> HttpError {
    HttpError::new(
        HttpErrorKind::Unknown,
        runner_blobs::Error::Unavailable(text),
    )
}

/// What a plugin may be told: it does not know the endpoint, but whoever reads that an
/// address is not granted must.
fn failed(url: &Url, error: Error, kind: HttpErrorKind) -> HttpError {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let error = match error {
        // Another attempt would not help.
        Error::Denied(text) => {
            return HttpError::new(HttpErrorKind::Unknown, runner_blobs::Error::Denied(text));
        }
        Error::Invalid(text)
        | Error::Dns(text)
        | Error::Connect(text)
        | Error::Tls(text)
        | Error::Timeout(text)
        | Error::TooLarge(text)
        | Error::Protocol(text) => text
            .replace(&format!("{host}:{port}"), "its endpoint")
            .replace(&format!("host {host:?}"), "its endpoint")
            .replace(host, "its endpoint"),
    };
    HttpError::new(kind, runner_blobs::Error::Unavailable(error))
}
