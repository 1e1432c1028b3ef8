//! Who asks, and whether they may: credentials are read from the head, and every operation is mapped to the accesses that it needs.
//!
//! Decides nothing itself: `bulkhead_core::auth::Gate` does. Whatever it cannot read is a refusal.

mod challenge;
mod credential;

use axum::http::HeaderMap;
use bulkhead_core::auth::{Caller, Refusal};
use bulkhead_core::ports::auth::{Access, AccessAction};
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Registry;

pub(crate) use challenge::{Challenge, ChallengeError};
pub(crate) use credential::{MalformedCredential, basic, credential};

use crate::error::ApiError;
use crate::parse::Operation;

/// What a caller must be allowed to do before the operation is looked at any further. A ping needs nothing but a caller.
pub(crate) fn accesses(operation: &Operation) -> Vec<Access> {
    use AccessAction::{Delete, ListRepositories, Pull, Push};
    let (action, repository) = match operation {
        Operation::Ping => return Vec::new(),
        Operation::Catalog { .. } => (ListRepositories, None),
        Operation::Tags { repository, .. }
        | Operation::Referrers { repository, .. }
        | Operation::ReadBlob { repository, .. }
        | Operation::ReadManifest { repository, .. } => (Pull, Some(repository)),
        Operation::BeginUpload { repository, .. }
        | Operation::PutBlob { repository, .. }
        | Operation::MountBlob { repository, .. }
        | Operation::UploadStatus { repository, .. }
        | Operation::AppendUpload { repository, .. }
        | Operation::FinishUpload { repository, .. }
        | Operation::CancelUpload { repository, .. }
        | Operation::PutManifest { repository, .. } => (Push, Some(repository)),
        Operation::DeleteBlob { repository, .. }
        | Operation::DeleteManifest { repository, .. }
        | Operation::DeleteRepository { repository } => (Delete, Some(repository)),
    };
    vec![Access { action, repository: repository.cloned() }]
}

/// Lets a request in, or says why not.
///
/// # Errors
/// What the client is told, with the challenge that goes with it.
pub(crate) async fn admit(
    registry: &Registry,
    context: &RequestContext,
    headers: &HeaderMap,
    operation: &Operation,
) -> Result<Caller, ApiError> {
    let challenge = |error| Challenge::of(context, operation, error);
    let credential = credential(headers).map_err(|malformed| ApiError::malformed_credential(malformed, &challenge(None)))?;
    let gate = registry.gate();
    let caller = match gate.identify(context, credential.as_ref()).await {
        Ok(caller) => caller,
        Err(failure) => return Err(ApiError::not_identified(failure, &challenge(ChallengeError::of_failure(failure)))),
    };
    let needed = accesses(operation);
    if needed.is_empty() {
        // A client learns from a ping where tokens are to be had, so nobody passes it who presents nothing. A token that was given to
        // nobody in particular passes: its bearer has been there.
        return match caller {
            Caller::Anonymous => Err(ApiError::refused(Refusal::Anonymous, &challenge(None))),
            Caller::Known(_) | Caller::Token(_) => Ok(caller),
        };
    }
    match gate.permit(context, &caller, &needed).await {
        Ok(()) => Ok(caller),
        Err(refusal) => Err(ApiError::refused(refusal, &challenge(ChallengeError::of_refusal(refusal)))),
    }
}

#[cfg(test)]
mod tests;
