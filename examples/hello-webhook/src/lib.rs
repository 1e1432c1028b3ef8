//! Tells a chat about every push. Settings: `url = "https://chat.example.com/hooks/abc"`, whose origin the operator grants.

use bulkhead_plugin_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Hello {
    url: String,
}

impl Plain for Hello {}

impl Webhook for Hello {
    fn format(&mut self, event: &Event) -> Result<Vec<HttpRequest>> {
        let (webhook::Action::Push, Some(target)) = (event.action, &event.target) else { return Ok(Vec::new()) };
        let who = event.actor.as_deref().unwrap_or("somebody");
        let what = target.tag.as_deref().unwrap_or(&target.digest);
        let message = serde_json::json!({ "text": format!("{who} pushed {}/{} {what}", event.host, target.repository) });
        Ok(vec![HttpRequest::post(&self.url, "application/json", message.to_string())])
    }
}

export!(Hello: Webhook);

#[cfg(test)]
mod tests {
    use bulkhead_plugin_sdk::testing::{configure, event};
    use bulkhead_plugin_sdk::webhook::Action;

    use super::*;

    #[test]
    fn a_push_is_told_and_a_pull_is_not() {
        let mut plugin: Hello = configure(r#"{"url":"https://chat.example.com/"}"#).unwrap();
        let requests = plugin.format(&event(Action::Push)).unwrap();
        assert_eq!(requests[0].body, br#"{"text":"alice pushed registry.example.com/team/app 1.0"}"#);
        assert_eq!(plugin.format(&event(Action::Pull)), Ok(Vec::new()));
    }
}
