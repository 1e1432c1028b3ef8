//! What is noted while a change is made: warnings for the client, and what the audit log is told at its end.
//!
//! Changes run in tasks of their own: a client that goes away at the right moment must neither keep a change out of the log that was made,
//! nor leave a chunk unwritten that had arrived.

use bulkhead_oci::RepositoryName;

use super::{Act, Registry, RegistryError};
use crate::auth::Caller;
use crate::ports::audit::{AuditAction, AuditEntry, AuditOutcome, AuditStep, some};
use crate::ports::context::RequestContext;

/// What is noted while a change is made.
#[derive(Default)]
pub(super) struct Notes {
    /// For the client, each once.
    pub(super) warnings: Vec<String>,
    /// Digests and tags that the change is about.
    pub(super) targets: Vec<String>,
    /// What the audit log is told of a change that was made, where the targets do not say all.
    pub(super) reason: String,
    /// The admission plugin that refused, or failed.
    pub(super) steps: Vec<AuditStep>,
}

impl Notes {
    pub(super) fn target(&mut self, target: Option<&str>) {
        self.targets.extend(target.map(str::to_owned));
    }

    /// About this one.
    pub(super) fn about(target: &str) -> Self {
        Self { targets: vec![target.to_owned()], ..Self::default() }
    }
}

/// Who does what, kept for a task that outlives its request.
pub(super) struct OwnedAct {
    context: RequestContext,
    caller: Caller,
}

impl OwnedAct {
    pub(super) const fn act(&self) -> Act<'_> {
        Act { context: &self.context, caller: &self.caller }
    }
}

impl Act<'_> {
    pub(super) fn to_owned(self) -> OwnedAct {
        OwnedAct { context: self.context.clone(), caller: self.caller.clone() }
    }
}

impl Registry {
    /// Writes the audit entry of a change that was made, or that a lock, a setting or a plugin refused; of one that could not be made for
    /// other reasons there is none.
    pub(super) async fn conclude<T>(
        &self,
        act: Act<'_>,
        action: AuditAction,
        repository: &RepositoryName,
        notes: Notes,
        result: Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let (outcome, reason, targets) = match &result {
            Ok(_) => (AuditOutcome::Done, notes.reason, notes.targets),
            Err(error) => match outcome(error) {
                Some(outcome) => (outcome, error.to_string(), some(notes.targets.into_iter())),
                None => return result,
            },
        };
        let entry = AuditEntry {
            repository: Some(repository.clone()),
            targets,
            reason,
            steps: notes.steps,
            ..AuditEntry::of(act.context, self.parts.clock.now(), action, outcome)
        };
        self.parts.audit.record(entry.by(act.caller.identity())).await;
        result
    }
}

impl Registry {
    /// Writes the audit entry of something that was not shown, since a lock forbids it. What was shown, or is not there, is no entry.
    pub async fn conclude_reading<T>(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        target: Option<&str>,
        result: Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        if !matches!(result, Err(RegistryError::Locked(_))) {
            return result;
        }
        let mut notes = Notes::default();
        notes.target(target);
        self.conclude(act, AuditAction::Access, repository, notes, result).await
    }
}

/// How the log puts it; none: nobody decided anything.
const fn outcome(error: &RegistryError) -> Option<AuditOutcome> {
    match error {
        RegistryError::Refused { .. }
        | RegistryError::Locked(_)
        | RegistryError::DeletesOff
        | RegistryError::NeededBy(_)
        | RegistryError::TooManyToDelete => Some(AuditOutcome::Refused),
        RegistryError::AdmissionFailed { .. } => Some(AuditOutcome::Failed),
        _ => None,
    }
}

/// Runs to its end even where the request that wants it is dropped.
pub(super) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
) -> Result<T, RegistryError> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => Err(RegistryError::Internal(format!("the task of a change ended: {error}"))),
    }
}
