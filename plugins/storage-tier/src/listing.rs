//! One list of two storages.

use bulkhead_plugin_sdk::prelude::*;

use crate::state::{AFTER_STAGES, STAGES};
use crate::{LARGE, SMALL};

/// The objects of both, each once, in byte order of the key.
pub fn both(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
    let mut all = small(prefix, after, limit)?;
    all.extend(below::list(LARGE, prefix, after, limit)?);
    // Stable: of two with the same key the small one stays, which is the one that is read.
    all.sort_by(|one, other| one.key.cmp(&other.key));
    all.dedup_by(|one, other| one.key == other.key);
    all.truncate(limit as usize);
    Ok(all)
}

/// Those of `small`, without the stages of uploads.
fn small(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
    let mut found: Vec<ObjectInfo> = Vec::new();
    let mut after = after.map(str::to_owned);
    loop {
        let missing = limit - found.len() as u32;
        if missing == 0 {
            return Ok(found);
        }
        let page = below::list(SMALL, prefix, after.as_deref(), missing)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(if last.key.starts_with(STAGES) { AFTER_STAGES.to_owned() } else { last.key.clone() });
        found.extend(page.into_iter().filter(|object| !object.key.starts_with(STAGES)));
    }
}
