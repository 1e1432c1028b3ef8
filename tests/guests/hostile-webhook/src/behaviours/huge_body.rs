//! Makes a request with a body of 64 MiB.

use super::*;

pub struct HugeBody;

impl Behaviour for HugeBody {
    fn format(&self, url: &str, _: &Event) -> Result<Vec<HttpRequest>> {
        Ok(vec![HttpRequest::post(url, "application/octet-stream", vec![b'x'; 64 * 1024 * 1024])])
    }
}
