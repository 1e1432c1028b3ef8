//! Never returns.

use std::hint::black_box;

use super::*;

pub struct Loop;

impl Behaviour for Loop {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        let mut turns: u64 = 0;
        while black_box(true) {
            turns = black_box(turns.wrapping_add(1));
        }
        Ok(vec![about(event, url)])
    }
}
