//! An admission plugin that attacks its host, in the one way that the setting `behaviour` names.
//!
//! Wherever an attack works, the change is admitted, so that a test sees it from outside: it must be refused. The behaviours that attack
//! with what they say (`huge-reply`, `huge-warnings`, `many-warnings`, `forged-warnings`) are opinions like others, which the host has to
//! cut, to clean or to fail.

mod behaviours;

use bulkhead_plugin_sdk::prelude::*;

use behaviours::Behaviour;

struct Hostile {
    behaviour: Box<dyn Behaviour>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    behaviour: String,
}

impl Plugin for Hostile {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        Ok(Self { behaviour: behaviours::find(&settings.behaviour)? })
    }
}

impl Admission for Hostile {
    fn review(&mut self, context: &RequestContext, who: Option<&Caller>, repository: &str, change: &Change) -> Result<Opinion> {
        self.behaviour.told(context, who, repository, change)
    }
}

export!(Hostile: Admission);
