//! Asks an origin that was not granted. It worked if any answer came.

use bulkhead_plugin_sdk::prelude::*;

pub struct FetchUngranted {
    pub url: Option<String>,
}

impl super::Behaviour for FetchUngranted {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        let url = self.url.as_deref().unwrap_or("http://ungranted.example.com/");
        match http::send(&HttpRequest::get(url)) {
            Ok(_) => Ok(true),
            Err(error) => {
                log::info!("{url}: {error:?}");
                Ok(false)
            }
        }
    }
}
