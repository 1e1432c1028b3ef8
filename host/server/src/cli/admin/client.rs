//! Sends a command's requests, and turns what comes back into a value or into one sentence.

use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use bulkhead_plugin::Origin;
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;

use super::{AdminError, Elsewhere};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request may take: it may have to wait for other hashes.
const WHOLE: Duration = Duration::from_secs(60);
/// The most bytes of an answer.
const MAX_ANSWER: usize = 16 << 20;
/// How many items of a list are asked for at a time: the most that a server gives.
const PAGE: usize = 1000;

/// Whom a server is asked as.
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A way to one server.
pub struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    login: Option<Login>,
    /// For messages.
    server: String,
}

impl Client {
    /// To the server that listens at this socket of this data directory.
    ///
    /// # Errors
    /// [`AdminError`]: nobody listens there, among others.
    pub fn local(socket: &Path, data: &Path, elsewhere: Elsewhere) -> Result<Self, AdminError> {
        // Asked first, for the sake of its plain error.
        UnixStream::connect(socket).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                AdminError::NotRunning { data: data.display().to_string(), elsewhere }
            }
            io::ErrorKind::PermissionDenied => AdminError::NotAllowed { path: socket.to_owned(), elsewhere },
            _ => AdminError::Socket { path: socket.to_owned(), error },
        })?;
        let builder = reqwest::Client::builder().tls_backend_preconfigured(no_tls()?).unix_socket(socket);
        Self::new(builder, "http://localhost".to_owned(), None, format!("the server on {}", data.display()))
    }

    /// To the registry at this URL, as this user or as nobody.
    ///
    /// # Errors
    /// [`AdminError::Client`].
    pub fn remote(server: &Origin, login: Option<Login>) -> Result<Self, AdminError> {
        let base = server.to_string();
        if login.is_some() && is_open(&base) {
            eprintln!("bulkhead: warning: {base} is not encrypted, and so the password is not either");
        }
        let tls = bulkhead_plugin::client_tls().map_err(AdminError::Client)?;
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls);
        Self::new(builder, base.clone(), login, base)
    }

    fn new(builder: reqwest::ClientBuilder, base: String, login: Option<Login>, server: String) -> Result<Self, AdminError> {
        let http = builder
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(concat!("bulkhead/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| AdminError::Client(reason(&error)))?;
        Ok(Self { http, base, login, server })
    }

    /// From now on as this user.
    #[cfg(test)]
    pub fn log_in(&mut self, login: Login) {
        self.login = Some(login);
    }

    /// What is at this path.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn get(&self, path: &str) -> Result<Value, AdminError> {
        self.call(Method::GET, path, None).await
    }

    /// What is at this path; none: a 404.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn find(&self, path: &str) -> Result<Option<Value>, AdminError> {
        let response = self.send(Method::GET, path, None).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.judge(response).await.map(Some)
    }

    /// Every item of the list at this path.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, AdminError> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            // A name in a list is letters, digits, `.`, `_` and `-`, which a query takes as they are.
            let rest = after.as_ref().map(|name| format!("&after={name}")).unwrap_or_default();
            let mut page = self.get(&format!("{path}?n={PAGE}{rest}")).await?;
            let Some(Value::Array(mut items)) = page.get_mut("value").map(Value::take) else {
                return Err(self.strange("a list without `value`"));
            };
            all.append(&mut items);
            match page["next"].as_str() {
                Some(next) if after.as_deref() != Some(next) => after = Some(next.to_owned()),
                Some(_) => return Err(self.strange("a list that does not end")),
                None => return Ok(all),
            }
        }
    }

    /// Asks for a change; null where the answer has no body.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, AdminError> {
        let response = self.send(method, path, body).await?;
        self.judge(response).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, AdminError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(Login { user, password }) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        request.send().await.map_err(|error| self.away(&error))
    }

    async fn judge(&self, response: Response) -> Result<Value, AdminError> {
        let status = response.status();
        let retry = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = self.body(response).await?;
        if !status.is_success() {
            return Err(self.refusal(status, retry.as_deref(), &body));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| self.strange(&error.to_string()))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, AdminError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.away(&error))? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(self.strange("an answer that is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// One sentence for an answer that is no success.
    fn refusal(&self, status: StatusCode, retry: Option<&str>, body: &[u8]) -> AdminError {
        let Some(Told { detail, request }) = Told::read(body) else {
            return self.strange(&format!("status {status}"));
        };
        let who = self.login.as_ref().map_or("an anonymous caller", |login| &login.user);
        let server = &self.server;
        AdminError::Refused(match status {
            StatusCode::NOT_FOUND => return AdminError::Missing(detail),
            StatusCode::UNAUTHORIZED => format!("{server} does not let {who} in: {detail}"),
            StatusCode::FORBIDDEN => format!("{server} does not let {who} do this: {detail}"),
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = retry.map(|seconds| format!("; try again in {seconds} s")).unwrap_or_default();
                format!("{server} turns {who} away for a while: {detail}{wait}")
            }
            status if status.is_server_error() => {
                let request = request.map(|id| format!(" (request {id})")).unwrap_or_default();
                format!("{server} could not do it: {detail}{request}; its log says why")
            }
            _ => detail,
        })
    }

    fn away(&self, error: &reqwest::Error) -> AdminError {
        let mut reason = reason(error);
        // What rustls says of a first answer that is no TLS, which is what a server of plain HTTP answers.
        if self.base.starts_with("https:") && reason.contains("InvalidContentType") {
            reason = "what listens there does not speak TLS; if that is as it should be, say http:// in --server".to_owned();
        }
        AdminError::Away { server: self.server.clone(), reason }
    }

    /// The registry that this client can reach, where it can reach but one.
    pub fn only(&self) -> Option<&str> {
        self.login.is_some().then_some(&*self.server)
    }

    /// What the server answered is not what its interface says.
    pub fn strange(&self, reason: &str) -> AdminError {
        AdminError::Strange { server: self.server.clone(), reason: reason.to_owned() }
    }
}

/// What a server says about its refusal.
struct Told {
    detail: String,
    request: Option<String>,
}

impl Told {
    /// Of a problem (RFC 9457), or of the errors of the distribution specification, which Azure's interface has too.
    fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let first = &body["errors"][0];
        let detail = text(&body["detail"]).or_else(|| text(&first["message"])).or_else(|| text(&body["title"]))?;
        Some(Self { detail, request: text(&body["request"]) })
    }
}

/// Whether what is sent there can be read on the way.
fn is_open(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else { return false };
    let host = url.host_str().unwrap_or_default();
    let own = host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "http" && !own
}

/// A client must have a configuration of TLS, though a socket needs none.
fn no_tls() -> Result<rustls::ClientConfig, AdminError> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| AdminError::Client(error.to_string()))?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// The whole chain of causes, without the URL.
fn reason(error: &reqwest::Error) -> String {
    // The last cause is the plain one: "connection refused", "certificate has expired".
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        text = current.to_string();
        cause = current.source();
    }
    text
}
