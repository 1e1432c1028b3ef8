//! Signs requests to the bucket, and sends those that the plugin sends itself.

use bulkhead_plugin_sdk::prelude::*;

use crate::answer;
use crate::credentials::Credentials;
use crate::settings::{Addressing, Settings};
use crate::sigv4::{Draft, Signer};
use crate::text::encoded;

/// The longest life of a signed URL, in seconds.
const WEEK: u32 = 7 * 24 * 3600;
/// For how long the request of a part is good, in seconds. A client may take its time over the bytes, which the host gathers first.
const PART_LIFE: u32 = 24 * 3600;
/// How often a request that does no harm if it is carried out twice is sent, where the host does not see to that.
const TRIES: usize = 3;
const CLASS: &str = "x-amz-storage-class";

/// The bucket, and what requests to it are signed with.
pub struct Client {
    endpoint: Place,
    links: Place,
    bucket: String,
    prefix: String,
    region: String,
    credentials: Credentials,
    /// Of requests that make an object.
    kept_as: Vec<(&'static str, String)>,
    /// Whether the store sees to it that no object is replaced.
    pub conditional: bool,
}

/// A bucket at an endpoint.
struct Place {
    origin: String,
    /// What paths begin with.
    base: String,
}

impl Place {
    fn new(endpoint: &str, bucket: &str, addressing: Addressing) -> Result<Self> {
        let origin = http::origin(endpoint).or_internal("the endpoint was checked to be a URL")?;
        let (scheme, host) = origin.split_once("://").or_internal("an origin has a scheme")?;
        Ok(match addressing {
            Addressing::Path => Self { base: format!("/{bucket}"), origin },
            Addressing::VirtualHost => Self { base: String::new(), origin: format!("{scheme}://{bucket}.{host}") },
        })
    }
}

impl Client {
    /// From settings that were checked.
    pub fn new(settings: Settings) -> Result<Self> {
        let (addressing, kept_as) = (settings.addressing(), kept_as(&settings));
        let links = settings.link_endpoint.as_deref().unwrap_or(&settings.endpoint);
        Ok(Self {
            endpoint: Place::new(&settings.endpoint, &settings.bucket, addressing)?,
            links: Place::new(links, &settings.bucket, addressing)?,
            kept_as,
            bucket: settings.bucket,
            prefix: settings.prefix,
            region: settings.region,
            credentials: Credentials::new(settings.credentials)?,
            conditional: settings.conditional,
        })
    }

    /// A request about one object, with a body that the plugin gives, empty so far.
    pub fn object(&self, method: &'static str, key: &str) -> Draft {
        let path = format!("{}/{}{key}", self.endpoint.base, self.prefix);
        Draft {
            method,
            origin: self.endpoint.origin.clone(),
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Some(Vec::new()),
        }
    }

    /// A request that makes an object of an upload under way, which is gone soon: of the store's usual class, but encrypted as all are.
    pub fn staging(&self, method: &'static str, key: &str) -> Draft {
        let mut draft = self.creation(method, key);
        draft.headers.retain(|(name, _)| *name != CLASS);
        draft
    }

    /// A request that makes an object to stay.
    pub fn creation(&self, method: &'static str, key: &str) -> Draft {
        Draft { headers: self.kept_as.clone(), ..self.object(method, key) }
    }

    /// A request about the bucket.
    pub fn whole(&self, method: &'static str) -> Draft {
        Draft { path: format!("{}/", self.endpoint.base), ..self.object(method, "") }
    }

    /// What keys begin with in the bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How a request names an object that it copies from.
    pub fn copy_source(&self, key: &str) -> String {
        format!("/{}/{}", self.bucket, encoded(&format!("{}{key}", self.prefix), true))
    }

    /// Signed by a header, for the host to send at once.
    pub fn signed(&mut self, draft: Draft) -> Result<HttpRequest> {
        let keys = self.credentials.keys()?;
        Ok(Signer { keys: &keys, region: &self.region, now: clock::now() }.signed(draft))
    }

    /// Signed by its URL, for the host to send once it has the bytes.
    pub fn presigned(&mut self, draft: Draft) -> Result<HttpRequest> {
        self.presigned_for(draft, PART_LIFE)
    }

    /// A URL under which a client can read the object.
    pub fn link(&mut self, key: &str, seconds: u32) -> Result<String> {
        let path = format!("{}/{}{key}", self.links.base, self.prefix);
        let draft = Draft { origin: self.links.origin.clone(), path, ..self.object("GET", key) };
        Ok(self.presigned_for(draft, seconds)?.url)
    }

    fn presigned_for(&mut self, draft: Draft, seconds: u32) -> Result<HttpRequest> {
        let keys = self.credentials.keys()?;
        let now = clock::now();
        // It is worth nothing once the keys have ended.
        let left = self.credentials.end().map_or(WEEK, |end| u32::try_from(end.saturating_sub(now) / 1000).unwrap_or(WEEK));
        let seconds = seconds.min(left).clamp(1, WEEK);
        Ok(Signer { keys: &keys, region: &self.region, now }.presigned(draft, seconds))
    }

    /// Sends a request. After a refusal the keys are read again, and if they are others now, it is sent with these.
    pub fn send(&mut self, draft: &Draft) -> Result<HttpResponse> {
        let answer = http::send(&self.signed(draft.clone())?)?;
        if matches!(answer.status, 400 | 401 | 403)
            && matches!(answer::error("", &answer), Error::Denied(_))
            && self.credentials.renew()?
        {
            return http::send(&self.signed(draft.clone())?);
        }
        Ok(answer)
    }

    /// Sends a request that the host sends only once, and that does no harm if it is carried out twice, until it is answered.
    pub fn insist(&mut self, draft: &Draft) -> Result<HttpResponse> {
        let mut last = self.send(draft);
        for _ in 1..TRIES {
            let is_passing = match &last {
                Ok(answer) => matches!(answer.status, 429 | 500 | 502 | 503 | 504),
                Err(error) => matches!(error, Error::Unavailable(_)),
            };
            if !is_passing {
                break;
            }
            last = self.send(draft);
        }
        last
    }

    /// The host was refused with keys of this client: the next request reads them again.
    pub fn forget_keys(&mut self) {
        self.credentials.forget();
    }
}

fn kept_as(settings: &Settings) -> Vec<(&'static str, String)> {
    let encryption = settings.server_side_encryption.map(|kind| ("x-amz-server-side-encryption", kind.header().to_owned()));
    let key = settings.kms_key_id.clone().map(|id| ("x-amz-server-side-encryption-aws-kms-key-id", id));
    let class = settings.storage_class.clone().map(|class| (CLASS, class));
    [encryption, key, class].into_iter().flatten().collect()
}
