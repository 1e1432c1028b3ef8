//! A token's claims as an identity carries them, and back.
//!
//! An identity's claims are texts. A claim that is text keeps its name; any other is kept as JSON under its name with `:json` at the end, so
//! that a text can never pass for a list. Only what rules and settings name is kept, since an identity is part of tokens.

use std::collections::BTreeSet;

use bulkhead_plugin_sdk::prelude::*;
use serde_json::{Map, Value, json};

/// At the end of the name of a claim that is kept as JSON.
pub const JSON: &str = ":json";
/// The most bytes of subject, groups and claims as JSON: the host's tokens hold 4 KiB, and put some more into them.
const MOST: usize = 3_800;
/// The host takes no more groups, nor longer ones.
const MOST_GROUPS: usize = 256;

/// The claims of these names, as an identity carries them.
pub fn keep(claims: &Map<String, Value>, names: &BTreeSet<String>) -> Vec<(String, String)> {
    let kept = names.iter().filter_map(|name| claims.get(name).map(|value| (name, value)));
    kept.filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name.clone(), text.clone())),
        other => Some((format!("{name}{JSON}"), other.to_string())),
    })
    .collect()
}

/// The claims that an identity carries.
pub fn restore(kept: &[(String, String)]) -> Map<String, Value> {
    let value = |(name, text): &(String, String)| match name.strip_suffix(JSON) {
        None => Some((name.clone(), Value::String(text.clone()))),
        // What is no JSON was not kept by this plugin, and is no fact.
        Some(name) => serde_json::from_str(text).ok().map(|value| (name.to_owned(), value)),
    };
    kept.iter().filter_map(value).collect()
}

/// Whether the host's tokens can hold it. The error says what is too much.
pub fn fits(identity: &Identity) -> Result<(), String> {
    if identity.groups.len() > MOST_GROUPS {
        return Err(format!("{} groups, and an identity has at most {MOST_GROUPS}", identity.groups.len()));
    }
    let size = json!([identity.subject, identity.groups, identity.claims]).to_string().len();
    if size <= MOST {
        return Ok(());
    }
    Err(format!(
        "its groups, and the claims that rules and `keep-claims` name, are {size} bytes, and tokens hold {MOST}: have the issuer put fewer into them"
    ))
}
