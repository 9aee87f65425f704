//! Conditions on what the library has no conditions for: the request that makes an object
//! of its parts. S3 has taken them there since 2024 and does not sign them.

use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue};
use http::{Method, header};

use crate::Condition;
use crate::http::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};

tokio::task_local! {
    /// What must be so for what is finished now.
    static CONDITION: (HeaderName, HeaderValue);
}

/// Do this, which finishes an upload, if the condition holds.
pub(super) async fn on<T>(condition: &Condition, finish: impl Future<Output = T>) -> T {
    let value = match condition {
        Condition::Always => None,
        Condition::Absent => Some((header::IF_NONE_MATCH, HeaderValue::from_static("*"))),
        Condition::Unchanged(tag) => {
            let value = HeaderValue::from_str(tag);
            value.ok().map(|value| (header::IF_MATCH, value))
        }
    };
    match value {
        Some(value) => CONDITION.scope(value, finish).await,
        None => finish.await,
    }
}

/// Sends the condition along.
#[derive(Debug)]
pub(super) struct Conditional<C>(pub(super) C);

#[derive(Debug)]
struct Client(HttpClient);

impl<C: HttpConnector> HttpConnector for Conditional<C> {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.0.connect(options)?;
        Ok(HttpClient::new(Client(client)))
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.method() == Method::POST
            && let Ok((name, value)) = CONDITION.try_with(Clone::clone)
        {
            request.headers_mut().insert(name, value);
        }
        self.0.execute(request).await
    }
}
