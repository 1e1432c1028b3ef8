//! An audit log that tests read.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bulkhead_core::ports::audit::{Audit, AuditEntry};
use tokio::sync::Notify;

/// Keeps every entry in memory.
#[derive(Default)]
pub struct Ledger {
    entries: Mutex<Vec<AuditEntry>>,
    recorded: Notify,
}

impl Ledger {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What was recorded since the last time that this was asked.
    pub fn take(&self) -> Vec<AuditEntry> {
        std::mem::take(&mut *self.entries.lock().unwrap())
    }

    /// Waits for an entry since the last time that this was asked.
    pub async fn recorded(&self) {
        self.recorded.notified().await;
    }
}

#[async_trait]
impl Audit for Ledger {
    async fn record(&self, entry: AuditEntry) {
        self.entries.lock().unwrap().push(entry);
        self.recorded.notify_one();
    }
}
