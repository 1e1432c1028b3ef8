//! `log`, `clock` and `random`, which every plugin has, and the empty interface of the shared types.

use bulkhead_plugin_bindings::bulkhead::plugin::{clock, log, objects, random, types};
use rand::Rng as _;

use crate::state::State;

/// The most random bytes of one call.
const MAX_RANDOM_BYTES: u32 = 4096;

impl types::Host for State {}

impl objects::Host for State {}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) {
        self.output.log(level, &message);
    }
}

impl clock::Host for State {
    fn now(&mut self) -> u64 {
        self.reach.clock.now().0
    }
}

impl random::Host for State {
    fn bytes(&mut self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; length.min(MAX_RANDOM_BYTES) as usize];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }
}
