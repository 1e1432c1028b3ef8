//! An audit log in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use bulkhead_core::ports::audit::{Audit, AuditEntry};

#[derive(Default)]
pub(crate) struct MemoryAudit(Mutex<Vec<AuditEntry>>);

impl MemoryAudit {
    /// What was recorded so far.
    pub(crate) fn entries(&self) -> Vec<AuditEntry> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Audit for MemoryAudit {
    async fn record(&self, entry: AuditEntry) {
        self.0.lock().unwrap().push(entry);
    }
}
