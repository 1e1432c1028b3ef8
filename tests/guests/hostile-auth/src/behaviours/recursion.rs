//! Calls itself until there is no stack left.

use std::hint::black_box;

use bulkhead_plugin_sdk::Result;

pub struct Recursion;

impl super::Behaviour for Recursion {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(deeper(black_box(1)) > 0)
    }
}

/// Ends after 2^32 calls, of which each needs a frame.
#[inline(never)]
fn deeper(depth: u32) -> u32 {
    if black_box(depth) == 0 {
        return 1;
    }
    black_box(deeper(black_box(depth.wrapping_add(1)))).wrapping_add(1)
}
