//! Never says where an object lies.

use std::hint::black_box;

use super::*;

pub struct LoopInOpen;

impl Behaviour for LoopInOpen {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let mut turns: u64 = 0;
        while black_box(true) {
            turns = black_box(turns.wrapping_add(1));
        }
        disk.open(key, range)
    }
}
