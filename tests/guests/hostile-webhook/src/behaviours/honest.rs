//! No attack: one small request to the granted receiver.

use super::*;

pub struct Honest;

impl Behaviour for Honest {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        Ok(vec![about(event, url)])
    }
}
