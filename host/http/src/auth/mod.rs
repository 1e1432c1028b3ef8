//! Who asks, and whether they may: credentials are read from the head, and every operation is mapped to the accesses that it needs.
//!
//! Decides nothing itself: `bulkhead_core::auth::Gate` does. Whatever it cannot read is a refusal.

mod challenge;
mod credential;

use std::sync::Arc;

use axum::http::HeaderMap;
use bulkhead_core::auth::{Caller, Refusal};
use bulkhead_core::ports::auth::{Access, AccessAction, Certificate, Credential};
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Registry;

pub(crate) use challenge::{Challenge, ChallengeError};
pub(crate) use credential::{MalformedCredential, basic};

use credential::credential;

use crate::error::ApiError;
use crate::parse::Operation;

/// What a caller must be allowed to do before the operation is looked at any further. A ping needs nothing but a caller.
pub(crate) fn accesses(operation: &Operation) -> Vec<Access> {
    use AccessAction::{Delete, ListRepositories, Pull, Push, ReadMetadata, WriteMetadata};
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
        | Operation::DeleteTag { repository, .. }
        | Operation::DeleteRepository { repository } => (Delete, Some(repository)),
        Operation::ReadAttributes { repository, .. } => (ReadMetadata, Some(repository)),
        Operation::ChangeAttributes { repository, .. } => (WriteMetadata, Some(repository)),
    };
    vec![Access { action, repository: repository.cloned() }]
}

/// Everything that a client says of who it is.
pub(crate) type Presented = Result<Option<Credential>, MalformedCredential>;

/// What the client presents: the header where there is one, otherwise the certificate of its connection. Whoever sends a header means it,
/// and a certificate is sent without being asked for each request.
///
/// # Errors
/// [`MalformedCredential`], even beside a certificate.
pub(crate) fn presented(headers: &HeaderMap, certificate: Option<Arc<Certificate>>) -> Presented {
    Ok(credential(headers)?.or_else(|| certificate.map(Credential::Certificate)))
}

/// Lets a request in, or says why not.
///
/// # Errors
/// What the client is told, with the challenge that goes with it.
pub(crate) async fn admit(
    registry: &Registry,
    context: &RequestContext,
    presented: Presented,
    operation: &Operation,
) -> Result<Caller, ApiError> {
    let challenge = |error| Challenge::of(context, operation, error);
    let caller = identify(registry, context, presented, challenge).await?;
    let needed = accesses(operation);
    if needed.is_empty() {
        // A client learns from a ping where tokens are to be had, so nobody passes it who presents nothing. A token that was given to
        // nobody in particular passes: its bearer has been there.
        return match caller {
            Caller::Anonymous => Err(ApiError::refused(Refusal::Anonymous, &challenge(None))),
            Caller::Known(_) | Caller::Token(_) => Ok(caller),
        };
    }
    permit(registry, context, caller, &needed, challenge).await
}

/// Lets a request in that changes the registry itself.
///
/// # Errors
/// As [`admit`] has them.
pub(crate) async fn admit_administrator(
    registry: &Registry,
    context: &RequestContext,
    presented: Presented,
) -> Result<Caller, ApiError> {
    let needed = [Access { action: AccessAction::Administer, repository: None }];
    let challenge = |error| Challenge::to(context, &needed, error);
    let caller = identify(registry, context, presented, challenge).await?;
    permit(registry, context, caller, &needed, challenge).await
}

async fn identify(
    registry: &Registry,
    context: &RequestContext,
    presented: Presented,
    challenge: impl Fn(Option<ChallengeError>) -> Challenge,
) -> Result<Caller, ApiError> {
    let credential = presented.map_err(|malformed| ApiError::malformed_credential(malformed, &challenge(None)))?;
    let identified = registry.gate().identify(context, credential.as_ref()).await;
    identified.map_err(|failure| ApiError::not_identified(failure, &challenge(ChallengeError::of_failure(failure))))
}

async fn permit(
    registry: &Registry,
    context: &RequestContext,
    caller: Caller,
    needed: &[Access],
    challenge: impl Fn(Option<ChallengeError>) -> Challenge,
) -> Result<Caller, ApiError> {
    match registry.gate().permit(context, &caller, needed).await {
        Ok(()) => Ok(caller),
        Err(refusal) => Err(ApiError::refused(refusal, &challenge(ChallengeError::of_refusal(refusal)))),
    }
}

#[cfg(test)]
mod tests;
