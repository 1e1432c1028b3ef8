//! Test a plugin with plain `cargo test`: a fake host, and the values that calls need.
//!
//! ```
//! use bulkhead_plugin_sdk::{files, testing::FakeHost};
//!
//! let host = FakeHost::new().file("/users", "alice:secret").now(1_000).install();
//! assert_eq!(files::read("/users", 100), Ok(b"alice:secret".to_vec()));
//! assert!(files::read("/etc/passwd", 100).is_err(), "what was not granted is denied");
//! host.set_file("/users", "");
//! ```
//!
//! The fake belongs to the thread that installed it, and each test runs in a thread of its own. It keeps to the contracts in `wit/host.wit`;
//! it syncs nothing and enforces neither time nor memory.

pub(crate) mod below;
mod fake;
pub(crate) mod host;
#[cfg(test)]
mod tests;

pub use fake::{FakeHost, Installed, LogLine};

use crate::accounts::{Account, Kind};
use crate::admission::{Change, Manifest, TagState};
use crate::authenticator::{Basic, Certificate, Credential};
use crate::authorizer::{Access, Action};
use crate::webhook::{self, Event, Target};
use crate::{Header, HttpResponse, Plugin, RequestContext, Result, settings};

/// Makes a plugin from the JSON of its settings, as the host's `configure` does.
pub fn configure<P: Plugin>(json: &str) -> Result<P> {
    P::new(settings::parse(json)?)
}

/// A request to the registry `default` from 192.0.2.1, received when the fake clock says, for the plugin `plugin`.
pub fn context() -> RequestContext {
    RequestContext {
        request_id: "request-1".to_owned(),
        registry: "default".to_owned(),
        received: crate::clock::now(),
        address: "192.0.2.1".to_owned(),
        user_agent: Some("docker/29.0.0".to_owned()),
        encrypted: true,
        plugin: "plugin".to_owned(),
    }
}

/// An account of the registry, with neither roles nor scopes.
pub fn account(name: &str, kind: Kind) -> Account {
    Account { name: name.to_owned(), kind, roles: Vec::new(), scopes: Vec::new() }
}

/// A client certificate of this subject and these alternative names, that ends an hour after the fake clock's now. Its fingerprint is 64
/// times `a`.
pub fn certificate(subject: &str, names: &[&str]) -> Certificate {
    Certificate {
        subject: subject.to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        fingerprint: "a".repeat(64),
        expires: crate::clock::now() + 3_600_000,
    }
}

/// A user name and its password.
pub fn basic(user: &str, secret: &str) -> Credential {
    Credential::Basic(Basic { user: user.to_owned(), secret: secret.to_owned() })
}

/// An action on a repository, or on the registry as a whole.
pub fn access(action: Action, repository: Option<&str>) -> Access {
    Access { action, repository: repository.map(str::to_owned) }
}

/// What a registry reads from an image's manifest at the least: its config and no layers.
const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

/// A tag, and the digest that it points to now, if there is such a tag.
pub fn tag(name: &str, now: Option<&str>) -> TagState {
    TagState { tag: name.to_owned(), now: now.map(str::to_owned) }
}

/// An image without layers that is to be pushed under its digest, [`digest`]`(1)`, and with these tags.
pub fn manifest(tags: &[TagState]) -> Manifest {
    Manifest {
        digest: digest(1),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        body: MANIFEST.into(),
        config: Some(b"{}".to_vec()),
        tags: tags.to_vec(),
    }
}

/// The push of [`manifest`].
pub fn push(tags: &[TagState]) -> Change {
    Change::PutManifest(manifest(tags))
}

/// A digest to tell from others: the same number gives the same one.
pub fn digest(number: u8) -> String {
    format!("sha256:{}", format!("{number:02x}").repeat(32))
}

/// An event of the registry `default` at 2026-01-02T03:04:05.678Z: alice did it to `team/app:1.0`. A ping has no target.
pub fn event(action: webhook::Action) -> Event {
    let target = Target {
        repository: "team/app".to_owned(),
        digest: digest(0xab),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: 527,
        tag: Some("1.0".to_owned()),
        mounted_from: None,
        artifact_type: None,
    };
    Event {
        id: "6f1f7c1e-0d2a-4c4b-9f0e-3d1a5b7c9e00".to_owned(),
        action,
        registry: "default".to_owned(),
        host: "registry.example.com".to_owned(),
        at: 1_767_323_045_678,
        target: (action != webhook::Action::Ping).then_some(target),
        actor: Some("alice".to_owned()),
        request_id: "request-1".to_owned(),
        method: "PUT".to_owned(),
        user_agent: Some("docker/29.0.0".to_owned()),
        address: "192.0.2.1".to_owned(),
    }
}

/// An answer of status 200 with a JSON body.
pub fn json(body: impl Into<Vec<u8>>) -> HttpResponse {
    let media_type = Header { name: "content-type".to_owned(), value: "application/json".to_owned() };
    HttpResponse { status: 200, headers: vec![media_type], body: body.into() }
}

/// An answer without headers or body.
pub fn answer(status: u16) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: Vec::new() }
}
