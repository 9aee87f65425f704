//! `runner:plugin/http`.

use super::State;
use super::client::Caller;
use runner_bindings::runner::plugin::http::{Error, Host, Request, Response};

impl Host for State {
    async fn send(&mut self, request: Request) -> Result<Response, Error> {
        self.refuse_lost().map_err(Error::Denied)?;
        if request.idempotent {
            self.idempotent_requests += 1;
        }
        let room = self.room();
        let caller = Caller::new(
            &self.attempt,
            self.request_id.clone(),
            self.idempotent_requests,
            room,
        );
        self.grant.send(&caller, request).await
    }
}
