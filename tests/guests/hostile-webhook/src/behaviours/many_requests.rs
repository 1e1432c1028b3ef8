//! Makes 100,000 requests of one event.

use super::*;

pub struct ManyRequests;

impl Behaviour for ManyRequests {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        Ok(vec![HttpRequest { body: Vec::new(), headers: Vec::new(), ..about(event, url) }; 100_000])
    }
}
