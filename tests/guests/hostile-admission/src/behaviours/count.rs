//! No attack: everything is admitted, with a warning that says how many reviews there were so far (`review 3`). Needs `kv`.

use bulkhead_plugin_sdk::prelude::*;

const KEY: &str = "reviews";

pub struct Count;

impl super::Behaviour for Count {
    fn review(&self, _: &Change) -> Result<Opinion> {
        let so_far: u64 = match kv::get(KEY)? {
            Some(bytes) => String::from_utf8(bytes)?.parse()?,
            None => 0,
        };
        let number = so_far + 1;
        kv::set(KEY, number.to_string().as_bytes())?;
        Ok(Opinion::warn(format!("review {number}")))
    }
}
