//! The HTTP client of a store: whoever opens one implements [`HttpService`].

pub use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
pub use object_store::{ClientOptions, Error};
