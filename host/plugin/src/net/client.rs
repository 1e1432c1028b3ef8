//! The one HTTP client. It keeps connections for reuse, follows no redirect, uses no proxy, and gives up at a deadline.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::event::{HttpRequest, HttpResponse};
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderValue};
use reqwest::{Body, Method, Request, Response};
use tokio::time::{Instant, timeout_at};

use super::message::{self, SendError, headers_of};
use super::resolver::{Refused, Resolver};
use super::retry::{self, Retry, Tries};
use super::tls;
use crate::error::RuntimeError;
use crate::spec::HttpGrant;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept.
const KEEP: Duration = Duration::from_secs(60);
/// How many unused connections to one origin are kept.
const KEEP_PER_HOST: usize = 16;

/// Sends requests for plugins. Cheap to clone; the connections are shared.
#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// A client with no connection yet.
    pub(crate) fn new() -> Result<Self, RuntimeError> {
        let tls = tls::config().map_err(RuntimeError::Client)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(Arc::new(Resolver))
            .connect_timeout(CONNECT)
            .pool_idle_timeout(KEEP)
            .pool_max_idle_per_host(KEEP_PER_HOST)
            .tcp_nodelay(true)
            .user_agent(concat!("bulkhead/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| RuntimeError::Client(reason(error)))?;
        Ok(Self(client))
    }

    /// A request and its whole answer, before `deadline`.
    pub(crate) async fn exchange(
        &self,
        grant: &HttpGrant,
        request: HttpRequest,
        retry: Retry,
        deadline: Instant,
    ) -> Result<HttpResponse, SendError> {
        let body = Bytes::from(request.body);
        let request = HttpRequest { body: Vec::new(), ..request };
        let mut tries = Tries::new(retry.of(&request.method, &request.headers), deadline);
        loop {
            let answer = async {
                let response = self.once(grant, &request, || body.clone().into(), deadline).await?;
                let passing = retry::passing(response.status(), response.headers());
                let (status, headers) = (response.status().as_u16(), headers_of(response.headers()));
                Ok((HttpResponse { status, headers, body: whole_body(response, grant.body).await? }, passing))
            };
            let answer = timeout_at(deadline, answer).await;
            match answer.unwrap_or_else(|_| Err(SendError::Away("no whole answer came in time".to_owned()))) {
                Err(SendError::Away(_)) if tries.pause(None).await => {}
                Ok((_, Some(wanted))) if tries.pause(wanted).await => {}
                Ok((answer, _)) => return Ok(answer),
                Err(error) => return Err(error),
            }
        }
    }

    /// A request whose answer's body is still to come, sent again as far as `tries` and the method allow; `body` makes its body anew for each.
    pub(crate) async fn open(
        &self,
        grant: &HttpGrant,
        request: &HttpRequest,
        body: impl Fn() -> Body,
        patience: Duration,
    ) -> Result<Response, SendError> {
        let mut tries = Tries::new(Retry::Idempotent.of(&request.method, &request.headers), Instant::now() + patience);
        loop {
            match self.once(grant, request, &body, Instant::now() + patience).await {
                Err(SendError::Away(_)) if tries.pause(None).await => {}
                Ok(response) => match retry::passing(response.status(), response.headers()) {
                    Some(wanted) if tries.pause(wanted).await => {}
                    _ => return Ok(response),
                },
                Err(error) => return Err(error),
            }
        }
    }

    async fn once(
        &self,
        grant: &HttpGrant,
        request: &HttpRequest,
        body: impl Fn() -> Body,
        deadline: Instant,
    ) -> Result<Response, SendError> {
        let mut head = message::head(&grant.origins, request)?;
        let body = body();
        if body.as_bytes().is_none_or(|bytes| !bytes.is_empty()) {
            *head.body_mut() = Some(body);
        } else if matches!(*head.method(), Method::PUT | Method::POST | Method::PATCH) {
            // The client says nothing of a body that is not there, and some services want to hear that.
            head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        self.start(head, deadline).await
    }

    /// Checks a request as sending it does.
    pub(crate) fn check(grant: &HttpGrant, request: &HttpRequest) -> Result<(), SendError> {
        message::head(&grant.origins, request).map(|_| ())
    }

    async fn start(&self, request: Request, deadline: Instant) -> Result<Response, SendError> {
        match timeout_at(deadline, self.0.execute(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(SendError::Away("no answer came in time".to_owned())),
        }
    }
}

async fn whole_body(mut response: Response, most: usize) -> Result<Vec<u8>, SendError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failure)? {
        if body.len() + piece.len() > most {
            return Err(SendError::Away(format!("the answer is longer than the {most} bytes that are granted")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn failure(error: reqwest::Error) -> SendError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(refused) = current.downcast_ref::<Refused>() {
            return SendError::NotGranted(refused.to_string());
        }
        cause = current.source();
    }
    SendError::Away(reason(error))
}

/// The whole chain of causes, without the URL, which may bear a signature.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        let words = current.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = current.source();
    }
    text
}
