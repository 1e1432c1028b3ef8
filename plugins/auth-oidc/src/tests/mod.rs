//! Through the SDK's fake host, with tokens signed here.

mod attacks;
mod conditions;
mod keys;
mod rules;
mod settings;
mod signer;
mod tokens;

use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, access, configure, context, json};
use serde_json::{Value, json as value};

use crate::Oidc;
use signer::Signer;

const ISSUER: &str = "https://issuer.example.com";
const DISCOVERY: &str = "https://issuer.example.com/.well-known/openid-configuration";
const KEYS: &str = "https://issuer.example.com/keys";
/// 2026-01-01T00:00:00Z, in seconds.
const NOW: u64 = 1_767_225_600;

const PLAIN: &str = r#"{"issuers":[{"issuer":"https://issuer.example.com","audiences":["registry.example.com"]}]}"#;

/// A host at which the issuer answers with these keys.
fn issuer(keys: &[Value]) -> Installed {
    let document = value!({"issuer": ISSUER, "jwks_uri": KEYS});
    FakeHost::new()
        .now(NOW * 1000)
        .answer(DISCOVERY, json(document.to_string()))
        .answer(KEYS, json(value!({"keys": keys}).to_string()))
        .install()
}

/// What every token here has, unless `other` says something else. Null: it does not have it.
fn claims(other: Value) -> Value {
    let mut claims = value!({"iss": ISSUER, "aud": "registry.example.com", "sub": "alice", "iat": NOW, "exp": NOW + 300});
    for (name, claim) in other.as_object().unwrap() {
        if claim.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = claim.clone();
        }
    }
    claims
}

fn plugin(settings: &str) -> Oidc {
    configure(settings).unwrap_or_else(|error| panic!("{error:?}"))
}

fn bearer(plugin: &mut Oidc, token: &str) -> Result<Authentication> {
    plugin.authenticate(&context(), &Credential::Bearer(token.to_owned()))
}

fn accepted(answer: Result<Authentication>) -> Identity {
    match answer {
        Ok(Authentication::Accepted(acceptance)) => acceptance.identity,
        other => panic!("not accepted: {other:?}"),
    }
}

fn rejection(answer: Result<Authentication>) -> String {
    match answer {
        Ok(Authentication::Rejected(reason)) => reason,
        other => panic!("not rejected: {other:?}"),
    }
}

/// How many requests went to this URL.
fn asked(host: &Installed, url: &str) -> usize {
    host.requests().iter().filter(|request| request.url == url).count()
}
