//! Contracts as programs: one for each kind of plugin, run against every plugin of that kind through the Wasm boundary.

pub mod authenticator;
pub mod authorizer;
pub mod storage;

use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::RequestContext;

/// A request to the registry `default`, as a plugin is told of it.
fn request() -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: "default".parse().expect("a registry's name"),
        received: Timestamp(1_800_000_000_000),
        address: "192.0.2.7:4711".into(),
        source: [192, 0, 2, 7].into(),
        host: "registry.example.com".into(),
        method: "GET".into(),
        user_agent: Some("docker/29.0.0".into()),
        encrypted: true,
    }
}
