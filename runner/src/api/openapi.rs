//! The head of the OpenAPI document; the rest is made of the routes.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// What stands in the document besides the routes.
#[derive(OpenApi)]
#[openapi(info(
    title = "Runner",
    description = "Jobs, queues and plugins of one Runner process.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
))]
struct Head;

/// The document without routes.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    document
}
