//! Names an origin that was not granted: the receiver's host at another port.

use super::*;

pub struct Ungranted;

impl Behaviour for Ungranted {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        let (scheme, rest) = url.split_once("://").or_internal("the url has no scheme")?;
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        Ok(vec![about(event, &format!("{scheme}://{host}:1/")), about(event, "http://ungranted.example.com/")])
    }
}
