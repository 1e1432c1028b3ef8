//! Takes memory until it is refused. It worked if it got 2 GiB.

use bulkhead_plugin_sdk::{Result, log};

const PIECE: usize = 1024 * 1024;
const ENOUGH: usize = 2048;

pub struct Memory;

impl super::Behaviour for Memory {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        while taken.len() < ENOUGH {
            let mut piece: Vec<u8> = Vec::new();
            if piece.try_reserve_exact(PIECE).is_err() {
                log::info!("refused after {} MiB", taken.len());
                return Ok(false);
            }
            piece.resize(PIECE, 1);
            taken.push(std::hint::black_box(piece));
        }
        Ok(true)
    }
}
