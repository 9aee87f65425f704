//! Webhooks as `queues.toml` has them: `[[routes]]`, which make jobs of requests, and
//! `[queues.<name>.webhooks.<name>]`, which tell others how jobs have ended. Types only:
//! `load/` fills them, and whoever serves or sends webhooks reads them.

mod outgoing;
mod route;
pub(super) mod template;
mod verify;

pub use self::outgoing::{Webhook, deliveries};
pub use self::route::{Answer, Format, Method, OnFailure, Route, RouteJob, delay};
pub use self::template::{Field, Form, Part, Source as From, Text};
pub use self::verify::{Algorithm, Encoding, Scheme, Verify, standard_key};
