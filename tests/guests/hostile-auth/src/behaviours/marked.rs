//! No attack: everybody is let in with a mark of their own, and known by that one alone, or by none.

use bulkhead_plugin_sdk::prelude::*;

pub struct Marked;

impl super::Behaviour for Marked {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn proof(&self, user: &str) -> Option<String> {
        Some(format!("mark of {user}"))
    }

    fn standing(&self, user: &str, proof: Option<&str>) -> Result<Standing> {
        let withdrawn = proof.is_some_and(|proof| self.proof(user).as_deref() != Some(proof));
        Ok(if withdrawn { Standing::Gone } else { Standing::Known(self.identity(user)) })
    }
}
