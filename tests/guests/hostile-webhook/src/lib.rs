//! A webhook that attacks its host, in the one way that the setting `behaviour` names.
//!
//! Settings: `behaviour`; `url`, the receiver that the operator granted, to which the honest behaviour posts the event's id.

mod behaviours;

use bulkhead_plugin_sdk::prelude::*;

use behaviours::Behaviour;

struct Hostile {
    behaviour: Box<dyn Behaviour>,
    url: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    behaviour: String,
    url: String,
}

impl Plugin for Hostile {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        Ok(Self { behaviour: behaviours::find(&settings.behaviour)?, url: settings.url })
    }
}

impl Webhook for Hostile {
    fn format(&mut self, event: &Event) -> Result<Vec<HttpRequest>> {
        self.behaviour.format(&self.url, event)
    }

    fn judge(&mut self, answer: &HttpResponse) -> Judgement {
        self.behaviour.judge(answer)
    }
}

export!(Hostile: Webhook);
