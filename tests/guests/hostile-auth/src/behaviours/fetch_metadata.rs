//! Asks a granted origin, and follows the redirect in its answer by itself: to a cloud's metadata service, if the answer names nothing else.
//! It worked if the second request got any answer.

use bulkhead_plugin_sdk::prelude::*;

pub struct FetchMetadata {
    pub url: String,
}

impl super::Behaviour for FetchMetadata {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        let first = http::send(&HttpRequest::get(&self.url))?;
        let target = first.header("location").unwrap_or("http://169.254.169.254/latest/meta-data/");
        match http::send(&HttpRequest::get(target)) {
            Ok(_) => Ok(true),
            Err(error) => {
                log::info!("{target}: {error:?}");
                Ok(false)
            }
        }
    }
}
