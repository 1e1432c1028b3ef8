//! The Bearer challenge: where a token is to be had, and which one (Docker token specification; RFC 6750, section 3).

use std::fmt::Write as _;

use axum::http::HeaderValue;
use bulkhead_core::auth::{AuthFailure, Refusal};
use bulkhead_core::ports::auth::{Access, AccessAction};
use bulkhead_core::ports::context::RequestContext;
use serde_json::{Value, json};

use super::accesses;
use crate::headers;
use crate::parse::Operation;

/// What was wrong with the token that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChallengeError {
    InvalidToken,
    InsufficientScope,
}

impl ChallengeError {
    pub(crate) const fn of_failure(failure: AuthFailure) -> Option<Self> {
        match failure {
            AuthFailure::InvalidToken => Some(Self::InvalidToken),
            AuthFailure::Rejected
            | AuthFailure::Unavailable
            | AuthFailure::IdentityTooLarge
            | AuthFailure::EndsTooSoon
            | AuthFailure::TooManyFailures { .. } => None,
        }
    }

    pub(crate) const fn of_refusal(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::InsufficientScope => Some(Self::InsufficientScope),
            Refusal::Anonymous | Refusal::Denied => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

/// What a client without the right token is told.
pub(crate) struct Challenge {
    /// The value of `WWW-Authenticate`.
    pub header: HeaderValue,
    /// The `detail` of the error: each action that was wanted.
    pub detail: Value,
}

/// One resource of a token's scope, and the actions to ask for.
struct Scope<'a> {
    kind: &'static str,
    name: &'a str,
    actions: &'static str,
}

impl Challenge {
    /// The challenge to a request for this operation.
    pub(crate) fn of(context: &RequestContext, operation: &Operation, error: Option<ChallengeError>) -> Self {
        let mut wanted = accesses(operation);
        if let Operation::MountBlob { from: Some(from), .. } = operation {
            wanted.push(Access { action: AccessAction::Pull, repository: Some(from.clone()) });
        }
        Self::to(context, &wanted, error)
    }

    /// The challenge to a request that needs these accesses.
    pub(crate) fn to(context: &RequestContext, wanted: &[Access], error: Option<ChallengeError>) -> Self {
        let scopes: Vec<Scope<'_>> = wanted.iter().map(scope_of).collect();
        Self { header: header(context, &scopes, error), detail: detail(&scopes) }
    }
}

/// A client asks for exactly this scope. Who pushes also reads, to see what is there already.
fn scope_of(access: &Access) -> Scope<'_> {
    let Some(repository) = &access.repository else {
        let name = if access.action == AccessAction::Administer { "administration" } else { "catalog" };
        return Scope { kind: "registry", name, actions: "*" };
    };
    let actions = match access.action {
        AccessAction::Push => "pull,push",
        AccessAction::Delete => "delete",
        AccessAction::ReadMetadata => "metadata_read",
        AccessAction::WriteMetadata => "metadata_write",
        AccessAction::Pull | AccessAction::ListRepositories | AccessAction::Administer => "pull",
    };
    Scope { kind: "repository", name: repository.as_str(), actions }
}

/// The names in it are of grammars without quotes, and the host has passed `tenant`.
fn header(context: &RequestContext, scopes: &[Scope<'_>], error: Option<ChallengeError>) -> HeaderValue {
    let scheme = if context.encrypted { "https" } else { "http" };
    let host = &context.host;
    let mut text = format!("Bearer realm=\"{scheme}://{host}/oauth2/token\",service=\"{host}\"");
    for (index, Scope { kind, name, actions }) in scopes.iter().enumerate() {
        text.push_str(if index == 0 { ",scope=\"" } else { " " });
        // Writing to a String cannot fail.
        let _ = write!(text, "{kind}:{name}:{actions}");
    }
    if !scopes.is_empty() {
        text.push('"');
    }
    if let Some(error) = error {
        let _ = write!(text, ",error=\"{}\"", error.as_str());
    }
    headers::value(text)
}

fn detail(scopes: &[Scope<'_>]) -> Value {
    let each = scopes.iter().flat_map(|scope| scope.actions.split(',').map(move |action| (scope, action)));
    each.map(|(scope, action)| json!({ "Type": scope.kind, "Name": scope.name, "Action": action })).collect()
}
