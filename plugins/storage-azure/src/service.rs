//! The service: where blobs lie, and how a request to one is made, authorized and sent.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::{Error, Result};

use crate::auth::{Authority, Credential};
use crate::failure::Failure;
use crate::sas::Sas;
use crate::settings::Settings;
use crate::time;

/// The version of the service's interface. Every account has it, and emulators of the last years.
pub const VERSION: &str = "2023-11-03";
/// How long the host may take to gather a part and send it, in milliseconds.
const PART_LIVES: u64 = 2 * 60 * 60 * 1000;

/// One container of one account.
pub struct Service {
    account: String,
    container: String,
    endpoint: String,
    link_endpoint: String,
    authority: Authority,
}

impl Service {
    /// As the settings have it, checked.
    pub fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            account: settings.account.clone(),
            container: settings.container.clone(),
            endpoint: settings.endpoint()?,
            link_endpoint: settings.link_endpoint()?,
            authority: Authority::new(settings.how()?)?,
        })
    }

    /// A request about a blob, not authorized yet, with an encoded query or none.
    pub fn blob(&self, method: &str, blob: &str, query: &str) -> HttpRequest {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}/{}/{blob}{mark}{query}", self.endpoint, self.container);
        HttpRequest { method: method.to_owned(), url, headers: Vec::new(), body: Vec::new() }
    }

    /// A listing of the container.
    pub fn list(&self, query: &str) -> HttpRequest {
        HttpRequest::get(format!("{}/{}?restype=container&comp=list&{query}", self.endpoint, self.container))
    }

    /// The URL of a blob as a copy names its source, which a SAS has to be part of.
    pub fn source(&mut self, blob: &str) -> Result<String> {
        let url = self.blob("GET", blob, "").url;
        Ok(match self.authority.get()? {
            Credential::Sas(query) => format!("{url}?{query}"),
            Credential::Key(_) | Credential::Token(_) => url,
        })
    }

    /// Several requests in one, not authorized yet.
    pub fn batch(&self) -> HttpRequest {
        let url = format!("{}/{}?restype=container&comp=batch", self.endpoint, self.container);
        HttpRequest { method: "POST".to_owned(), url, headers: Vec::new(), body: Vec::new() }
    }

    /// The request as it can be sent: its body does not change any more.
    pub fn authorize(&mut self, request: HttpRequest) -> Result<HttpRequest> {
        self.authorize_within(request.with_header("x-ms-version", VERSION))
    }

    /// The request as it can be part of a batch, whose version it has.
    pub fn authorize_within(&mut self, request: HttpRequest) -> Result<HttpRequest> {
        Ok(match self.authority.get()? {
            Credential::Sas(query) => with_query(request, query),
            Credential::Token(token) => request.with_header("authorization", format!("Bearer {token}")),
            Credential::Key(key) => {
                let request = request.with_header("x-ms-date", time::http_date(clock::now()));
                let authorization = key.authorization(&self.account, &request);
                request.with_header("authorization", authorization)
            }
        })
    }

    /// The request as the host can send it with a body that it gathers.
    pub fn part(&mut self, blob: &str, request: HttpRequest) -> Result<HttpRequest> {
        let until = clock::now() + PART_LIVES;
        match self.signed(&self.endpoint.clone(), blob, "w", until)? {
            Some(query) => Ok(with_query(request.with_header("x-ms-version", VERSION), &query)),
            None => self.authorize(request),
        }
    }

    /// A URL under which clients can read a blob, where the account key signs. A SAS that was given has more rights than to read one blob, and
    /// a token is nothing for a URL.
    pub fn link(&mut self, blob: &str, seconds: u32) -> Result<Option<String>> {
        // A second more, since the time is written without its milliseconds.
        let until = clock::now() + (u64::from(seconds) + 1) * 1000;
        let endpoint = self.link_endpoint.clone();
        let query = self.signed(&endpoint, blob, "r", until)?;
        Ok(query.map(|query| format!("{endpoint}/{}/{blob}?{query}", self.container)))
    }

    fn signed(&mut self, endpoint: &str, blob: &str, permission: &str, until: u64) -> Result<Option<String>> {
        let Credential::Key(key) = self.authority.get()? else { return Ok(None) };
        let path = format!("{}/{blob}", self.container);
        let sas = Sas { account: &self.account, path: &path, permission, until, encrypted: endpoint.starts_with("https:") };
        Ok(Some(sas.query(key)))
    }

    /// Sends a request and waits for its answer: a failure where it is no success. A credential that is refused is fetched again, and tried
    /// once more.
    pub fn send(&mut self, request: &HttpRequest) -> Result<Result<HttpResponse, Failure>> {
        let mut answer = http::send(&self.authorize(request.clone())?)?;
        if matches!(answer.status, 401 | 403) {
            self.authority.forget();
            answer = http::send(&self.authorize(request.clone())?)?;
        }
        Ok(if (200..300).contains(&answer.status) { Ok(answer) } else { Err(Failure::of(&answer)) })
    }

    /// The same for a request that the host does not repeat, since it cannot know that this is harmless.
    pub fn send_again(&mut self, request: &HttpRequest) -> Result<Result<HttpResponse, Failure>> {
        for _ in 0..2 {
            match self.send(request) {
                Ok(Err(failure)) if failure.is_passing() => {}
                Err(Error::Unavailable(_)) => {}
                answered => return answered,
            }
        }
        self.send(request)
    }

    /// The service refused a request that the host sent: the next ones get a new credential.
    pub fn refused(&mut self) {
        self.authority.forget();
    }
}

fn with_query(mut request: HttpRequest, query: &str) -> HttpRequest {
    request.url.push(if request.url.contains('?') { '&' } else { '?' });
    request.url.push_str(query);
    request
}
