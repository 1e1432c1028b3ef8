//! Bundled webhook: one POST for each event, in the envelope that `registry:2` sends.
//!
//! Settings: `url`, whose origin the operator grants; `headers`, sent with each request.
//!
//! The host sends the request, keeps the event until it is delivered, and asks here what an answer means.

mod envelope;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bulkhead_plugin_sdk::prelude::*;

const MEDIA_TYPE: &str = "application/vnd.docker.distribution.events.v2+json";

struct Post {
    settings: Settings,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Plugin for Post {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let after_scheme = settings.url.strip_prefix("https://").or_else(|| settings.url.strip_prefix("http://"));
        if after_scheme.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) || settings.url.contains(char::is_whitespace)
        {
            return Err(Error::invalid(format!("url: `{}` must be like `https://ci.example.com/hook`", settings.url)));
        }
        for (name, value) in &settings.headers {
            if !http::is_header_name(name) {
                return Err(Error::invalid(format!("headers: `{name}` is no name of a header")));
            }
            if value.chars().any(char::is_control) {
                return Err(Error::invalid(format!("headers.{name}: a value has no line breaks or other control characters")));
            }
        }
        Ok(Self { settings })
    }
}

impl Webhook for Post {
    fn format(&mut self, event: &Event) -> Result<Vec<HttpRequest>> {
        let named = self.settings.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let media_type = named.map_or(MEDIA_TYPE, |(_, value)| value);
        let mut request = HttpRequest::post(&self.settings.url, media_type, envelope::write(event)?);
        for (name, value) in self.settings.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type")) {
            request = request.with_header(name, value);
        }
        Ok(vec![request])
    }

    fn judge(&mut self, answer: &HttpResponse) -> Judgement {
        webhook::judge_by_status(answer)
    }
}

export!(Post: Webhook);
