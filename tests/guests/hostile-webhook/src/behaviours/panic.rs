//! Panics.

use super::*;

pub struct Panic;

impl Behaviour for Panic {
    fn format(&self, _: &str, _: &Event) -> Result<Vec<HttpRequest>> {
        panic!("panics, as it was told to")
    }
}
