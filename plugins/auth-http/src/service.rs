//! The service: a question is sent with its secret, an answer read.

use bulkhead_plugin_sdk::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How questions are sent.
pub struct Service {
    /// The secret's name, and the header that bears it.
    pub secret: Option<(String, String)>,
}

impl Service {
    /// Sends a question, and waits for the answer, whatever its status. Errors never have the question in them.
    pub fn ask(&self, url: &str, question: &impl Serialize) -> Result<HttpResponse> {
        let mut request =
            HttpRequest::post(url, "application/json", serde_json::to_vec(question)?).with_header("accept", "application/json");
        if let Some((name, header)) = &self.secret {
            let secret = secrets::text(name)?;
            if secret.is_empty() || secret.chars().any(char::is_control) {
                return Err(Error::internal(format!(
                    "the secret `{name}` is empty or has control characters, and cannot be a header"
                )));
            }
            let value = if header.eq_ignore_ascii_case("authorization") { format!("Bearer {secret}") } else { secret };
            request = request.with_header(header, value);
        }
        http::send(&request)
    }

    /// Reads an answer. One that is not understood is as good as none.
    pub fn read<T: DeserializeOwned>(&self, url: &str, answer: &HttpResponse) -> Result<T> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| Error::unavailable(format!("the answer of {url} is not understood: {error}")))
    }
}
