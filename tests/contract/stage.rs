//! What the plugins under contract are set up with: a folder, and services that somebody else runs. All of it ends with the stage.

use std::path::Path;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use bulkhead_core::auth::TokenKey;
use bulkhead_plugin::{Grants, HttpGrant};
use bulkhead_tests::places::TempDir;
use bulkhead_tests::receiver::{Answer, Received, Receiver};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Who the tokens of [`Issuer`] are for.
pub const AUDIENCE: &str = "registry.example.com";

/// See the module.
pub struct Stage {
    folder: TempDir,
    services: Mutex<Vec<Receiver>>,
}

impl Stage {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: TempDir::new(), services: Mutex::default() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a service that answers as this says; returns its origin, and the grant of it.
    pub fn serve(&self, rule: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> (String, Grants) {
        let service = Receiver::answering(rule);
        let origin = service.origin();
        self.services.lock().expect("nobody panicked with it").push(service);
        let http = HttpGrant { origins: vec![origin.parse().expect("an origin")], ..HttpGrant::default() };
        (origin, Grants { http, ..Grants::default() })
    }
}

/// A company's own service, which knows erin alone.
pub fn company(request: &Received) -> Answer {
    let asked = request.json();
    let credential = &asked["credential"];
    match (credential["user"].as_str(), credential["secret"].as_str()) {
        (Some("erin"), Some("swordfish")) => Answer::Json(json!({ "user": "erin", "groups": ["build"] }).to_string()),
        (Some("erin"), _) => Answer::Status(403),
        _ => Answer::Status(404),
    }
}

/// A provider of identities: a key, and tokens that it signs.
pub struct Issuer {
    pem: String,
    jwk: Value,
}

impl Issuer {
    /// With a new key.
    pub fn new() -> Self {
        let pem = TokenKey::generate().expect("a key");
        let jwk = TokenKey::from_pem(&pem).expect("the key").jwk().clone();
        Self { pem, jwk }
    }

    /// What it publishes.
    pub fn keys(&self) -> String {
        json!({ "keys": [self.jwk] }).to_string()
    }

    /// A token of this issuer's name, for this audience, that ends so many seconds from now, or ended then.
    pub fn token(&self, name: &str, audience: &str, life: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
        let now = i64::try_from(now).expect("seconds since 1970 fit");
        let claims = json!({ "iss": name, "aud": audience, "sub": "runner-7", "iat": now - 7200, "exp": now + life });
        let mut header = Header::new(Algorithm::ES256);
        header.kid = self.jwk["kid"].as_str().map(str::to_owned);
        let key = EncodingKey::from_ec_pem(self.pem.as_bytes()).expect("the key");
        jsonwebtoken::encode(&header, &claims, &key).expect("claims can be signed")
    }
}
