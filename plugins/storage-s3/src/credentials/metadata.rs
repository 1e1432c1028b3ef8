//! Services that give keys to whoever runs at the right place: the one of a virtual machine (IMDSv2), and those of containers.

use bulkhead_plugin_sdk::prelude::*;

use crate::answer;
use crate::sigv4::Keys;
use crate::time;

const ROLES: &str = "latest/meta-data/iam/security-credentials/";

/// A metadata service.
pub struct Service {
    url: String,
    /// The name of the secret that a container's service wants to see.
    token: Option<String>,
}

/// What both kinds answer.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl Service {
    /// Checks the settings.
    pub fn new(url: String, token: Option<String>) -> Result<Self> {
        let refusal = |rule: &str| Err(Error::invalid(format!("credentials.metadata: `{}` {rule}", url.escape_debug())));
        if http::origin(&url).is_none() || url.contains('#') {
            return refusal("must be like `http://169.254.169.254`");
        }
        let service = Self { url, token };
        match &service.token {
            Some(_) if service.machine().is_some() => {
                Err(Error::invalid("credentials.metadata-token: is for a container's service, whose URL has a path"))
            }
            Some(name) => super::text("credentials.metadata-token", name).map(|_| ()),
            None => Ok(()),
        }?;
        Ok(service)
    }

    /// The keys, and when they end.
    pub fn fetch(&self) -> Result<(Keys, Option<u64>)> {
        let given = match self.machine() {
            Some(origin) => self.of_machine(origin),
            None => self.of_container(),
        }?;
        let given: Given =
            serde_json::from_slice(&given).map_err(|_| Error::unavailable("the metadata service gives no credentials"))?;
        let ends = given.expiration.as_deref().map(time::from_iso).transpose()?;
        Ok((Keys { id: given.access_key_id, secret: given.secret_access_key, token: given.token }, ends))
    }

    /// The origin of a machine's service, which is named without a path.
    fn machine(&self) -> Option<&str> {
        let bare = self.url.trim_end_matches('/');
        (bare.matches('/').count() == 2 && !bare.contains('?')).then_some(bare)
    }

    fn of_machine(&self, origin: &str) -> Result<Vec<u8>> {
        let ask = HttpRequest { method: "PUT".to_owned(), ..HttpRequest::get(format!("{origin}/latest/api/token")) };
        let token = send("token", &ask.with_header("x-aws-ec2-metadata-token-ttl-seconds", "600"))?;
        let token = String::from_utf8(token)?;
        let get = |path: &str| {
            let request = HttpRequest::get(format!("{origin}/{path}"));
            send("credentials", &request.with_header("x-aws-ec2-metadata-token", token.trim()))
        };
        let roles = String::from_utf8(get(ROLES)?)?;
        let role = roles.lines().next().unwrap_or_default().trim();
        if role.is_empty() || !role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)) {
            return Err(Error::denied("the metadata service has no role for this machine"));
        }
        get(&format!("{ROLES}{role}"))
    }

    fn of_container(&self) -> Result<Vec<u8>> {
        let request = HttpRequest::get(&self.url);
        let request = match &self.token {
            Some(name) => request.with_header("authorization", super::text("credentials.metadata-token", name)?),
            None => request,
        };
        send("credentials", &request)
    }
}

/// The answer's body; nothing of it is in an error.
fn send(what: &str, request: &HttpRequest) -> Result<Vec<u8>> {
    let answer = http::send(request)?;
    match answer.status {
        status if answer::is_success(status) => Ok(answer.body),
        status @ (401 | 403 | 404) => {
            Err(Error::denied(format!("the metadata service answers {status} to the request for {what}")))
        }
        status => Err(Error::unavailable(format!("the metadata service answers {status} to the request for {what}"))),
    }
}
