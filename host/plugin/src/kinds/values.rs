//! Values of the core as the interface has them, and back.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::event::{HttpRequest, HttpResponse};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_plugin_bindings::bulkhead::plugin::types;

use super::nonsense;
use crate::output::bounded;

/// The longest subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 1024;
/// The most groups, and the most claims.
const MAX_FACTS: usize = 256;
/// The longest group, and the longest name of a claim, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// The longest proof, in bytes.
const MAX_PROOF_BYTES: usize = 256;
/// The longest claim, in bytes.
const MAX_CLAIM_BYTES: usize = 4096;

/// A guest's error; its texts bounded.
pub(crate) fn guest_error(error: types::Error) -> PluginError {
    match error {
        types::Error::NotFound => PluginError::NotFound,
        types::Error::Conflict => PluginError::Conflict,
        types::Error::Denied(text) => PluginError::Denied(bounded(&text)),
        types::Error::Invalid(text) => PluginError::Invalid(bounded(&text)),
        types::Error::Unavailable(away) => PluginError::Unavailable {
            reason: bounded(&away.reason),
            retry_after: away.retry_after.map(|seconds| Duration::from_secs(u64::from(seconds))),
        },
        types::Error::Internal(text) => PluginError::Internal(bounded(&text)),
    }
}

/// For a call of this plugin.
pub(super) fn wit_context<'a>(context: &'a RequestContext, plugin: &'a PluginLabel) -> types::RequestContext<'a> {
    types::RequestContext {
        request_id: &context.request_id,
        registry: context.registry.as_str(),
        received: context.received.0,
        address: &context.address,
        user_agent: context.user_agent.as_deref(),
        encrypted: context.encrypted,
        plugin: &plugin.name,
    }
}

pub(super) fn wit_identity(identity: &Identity) -> types::Identity {
    types::Identity {
        subject: identity.subject.clone(),
        groups: identity.groups.clone(),
        claims: identity.claims.clone(),
        expires: identity.expires.map(|expires| expires.0),
    }
}

/// A caller, with the plugin that vouches for them; `identity` is what [`wit_identity`] made of the same one.
pub(super) fn wit_caller<'a>(who: Option<&'a Identity>, identity: Option<&'a types::Identity>) -> Option<types::Caller<'a>> {
    who.zip(identity).map(|(who, identity)| types::Caller { vouched_by: &who.plugin, identity })
}

/// Who a guest says that a caller is, bounded.
pub(super) fn identity(plugin: &Arc<str>, identity: types::Identity) -> Result<Identity, PluginError> {
    let types::Identity { subject, groups, claims, expires } = identity;
    if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES || subject.chars().any(char::is_control) {
        return nonsense(format!("a subject has 1 to {MAX_SUBJECT_BYTES} bytes and no control characters"));
    }
    if groups.len() > MAX_FACTS || claims.len() > MAX_FACTS {
        return nonsense(format!("an identity has at most {MAX_FACTS} groups and as many claims"));
    }
    let name = |text: &String| !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control);
    if !groups.iter().all(name) {
        return nonsense(format!("a group has 1 to {MAX_NAME_BYTES} bytes and no control characters"));
    }
    if !claims.iter().all(|(key, value)| name(key) && value.len() <= MAX_CLAIM_BYTES) {
        return nonsense(format!("a claim's name has 1 to {MAX_NAME_BYTES} bytes, its value at most {MAX_CLAIM_BYTES}"));
    }
    let mut seen = HashSet::with_capacity(claims.len());
    if !claims.iter().all(|(key, _)| seen.insert(key.as_str())) {
        return nonsense("a claim's name occurs twice");
    }
    drop(seen);
    Ok(Identity { plugin: plugin.clone(), subject, groups, claims, expires: expires.map(Timestamp) })
}

/// A guest's mark of a credential, bounded: tokens carry it.
pub(super) fn proof(proof: Option<String>) -> Result<Option<String>, PluginError> {
    let well_formed = |proof: &String| proof.len() <= MAX_PROOF_BYTES && !proof.chars().any(char::is_control);
    if proof.as_ref().is_none_or(well_formed) {
        return Ok(proof);
    }
    nonsense(format!("a proof has at most {MAX_PROOF_BYTES} bytes and no control characters"))
}

/// A guest's request.
pub(crate) fn http_request(request: types::HttpRequest) -> HttpRequest {
    let types::HttpRequest { method, url, headers, body } = request;
    HttpRequest { method, url, headers: headers.into_iter().map(|header| (header.name, header.value)).collect(), body }
}

pub(super) fn wit_headers(headers: Vec<(String, String)>) -> Vec<types::Header> {
    headers.into_iter().map(|(name, value)| types::Header { name, value }).collect()
}

/// An answer for a guest.
pub(crate) fn wit_http_response(response: HttpResponse) -> types::HttpResponse {
    types::HttpResponse { status: response.status, headers: wit_headers(response.headers), body: response.body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(subject: &str, groups: Vec<String>, claims: Vec<(String, String)>) -> Result<Identity, PluginError> {
        identity(&"p".into(), types::Identity { subject: subject.to_owned(), groups, claims, expires: Some(5) })
    }

    fn refused(answer: Result<Identity, PluginError>) -> bool {
        matches!(answer, Err(PluginError::Nonsense(_)))
    }

    #[test]
    fn an_identity_bears_the_name_of_the_plugin_that_accepted_it() {
        let identity = claimed("ann", vec!["ops".to_owned()], vec![("a".to_owned(), String::new())]).unwrap();
        assert_eq!((&*identity.plugin, identity.subject.as_str(), identity.expires), ("p", "ann", Some(Timestamp(5))));
    }

    #[test]
    fn an_identity_is_bounded() {
        assert!(refused(claimed("", vec![], vec![])) && refused(claimed("a\nb", vec![], vec![])));
        assert!(refused(claimed(&"a".repeat(1025), vec![], vec![])));
        assert!(claimed(&"a".repeat(1024), vec!["g".to_owned(); 256], vec![]).is_ok());
        assert!(refused(claimed("a", vec!["g".to_owned(); 257], vec![])) && refused(claimed("a", vec![String::new()], vec![])));
        let twice = vec![("c".to_owned(), "1".to_owned()), ("c".to_owned(), "2".to_owned())];
        assert!(refused(claimed("a", vec![], twice)));
        assert!(refused(claimed("a", vec![], vec![("c".to_owned(), "v".repeat(4097))])));
    }

    #[test]
    fn a_proof_is_bounded() {
        assert_eq!((proof(None), proof(Some("x".repeat(256)))), (Ok(None), Ok(Some("x".repeat(256)))));
        for wrong in ["x".repeat(257), "a\nb".to_owned()] {
            assert!(matches!(proof(Some(wrong)), Err(PluginError::Nonsense(_))));
        }
    }

    #[test]
    fn a_guests_reason_cannot_forge_the_log() {
        let error = guest_error(types::Error::Internal("x\ny".repeat(1000)));
        let PluginError::Internal(text) = error else { panic!() };
        assert!(!text.contains('\n') && text.len() < 2100);
    }
}
