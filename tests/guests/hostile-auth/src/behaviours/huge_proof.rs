//! Marks the credential with more than a token has room for.

use bulkhead_plugin_sdk::Result;

pub struct HugeProof;

impl super::Behaviour for HugeProof {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn proof(&self, _: &str) -> Option<String> {
        Some("x".repeat(64 * 1024))
    }
}
