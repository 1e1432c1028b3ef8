//! Takes memory until it is refused. It worked if it got 2 GiB.

use bulkhead_plugin_sdk::prelude::*;

const PIECE: usize = 1024 * 1024;
const ENOUGH: usize = 2048;

pub struct Memory;

impl super::Behaviour for Memory {
    fn review(&self, _: &Change) -> Result<Opinion> {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        while taken.len() < ENOUGH {
            let mut piece: Vec<u8> = Vec::new();
            if piece.try_reserve_exact(PIECE).is_err() {
                return Ok(Opinion::refuse(format!("the attack failed: no more memory after {} MiB", taken.len())));
            }
            piece.resize(PIECE, 1);
            taken.push(std::hint::black_box(piece));
        }
        Ok(Opinion::admit())
    }
}
