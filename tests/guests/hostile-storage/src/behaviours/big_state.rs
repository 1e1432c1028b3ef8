//! Keeps an upload's state of 64 KiB and one byte, one more than the host may accept. Where the host accepts it, uploads go through.

use super::*;

const SIZE: usize = 64 * 1024 + 1;

pub struct BigState;

impl Behaviour for BigState {
    fn wrap(&self, mut state: Vec<u8>) -> Vec<u8> {
        state.resize(SIZE, b' ');
        state
    }
}
