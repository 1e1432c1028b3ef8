//! `http`: a request to a granted origin, within the call's time.

use bulkhead_plugin_bindings::bulkhead::plugin::{http, types};
use tokio::time::Instant;

use super::unavailable;
use crate::kinds::{http_request, wit_http_response};
use crate::net::SendError;
use crate::state::State;

impl http::Host for State {
    async fn send(&mut self, request: types::HttpRequest) -> Result<types::HttpResponse, types::Error> {
        let deadline = Instant::now() + self.left();
        match self.reach.client.exchange(&self.reach.http, http_request(request), self.reach.retry, deadline).await {
            Ok(response) => Ok(wit_http_response(response)),
            Err(SendError::NotGranted(text)) => Err(types::Error::Denied(text)),
            Err(SendError::Invalid(text)) => Err(types::Error::Invalid(text)),
            Err(SendError::Away(reason)) => Err(unavailable(reason)),
        }
    }
}
