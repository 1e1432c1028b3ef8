//! Never returns.

use std::hint::black_box;

use bulkhead_plugin_sdk::prelude::*;

pub struct Loop;

impl super::Behaviour for Loop {
    fn review(&self, _: &Change) -> Result<Opinion> {
        let mut turns: u64 = 0;
        while black_box(true) {
            turns = black_box(turns.wrapping_add(1));
        }
        Ok(Opinion::admit())
    }
}
