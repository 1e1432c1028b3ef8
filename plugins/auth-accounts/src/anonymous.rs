//! What callers without a login may pull: the setting, and its answer.

use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::glob::Repositories;
use bulkhead_plugin_sdk::prelude::*;
use serde_json::Value;

/// `false`, `true`, or patterns of repositories.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(try_from = "Value")]
pub enum AnonymousPull {
    /// Nothing.
    #[default]
    Never,
    /// These.
    Of(Repositories),
}

impl AnonymousPull {
    /// Pulling, and reading the metadata of what can be pulled; nothing else, and nothing of the registry as a whole.
    pub fn judge(&self, access: &Access) -> Verdict {
        let is_pull = matches!(access.action, Action::Pull | Action::ReadMetadata);
        match (self, &access.repository) {
            (Self::Of(repositories), Some(repository)) if is_pull && repositories.matches(repository) => {
                Verdict::allow_because("anonymous pull")
            }
            _ => Verdict::Abstain,
        }
    }
}

impl TryFrom<Value> for AnonymousPull {
    type Error = String;

    fn try_from(setting: Value) -> Result<Self, String> {
        match setting {
            Value::Bool(false) => Ok(Self::Never),
            Value::Bool(true) => Ok(Self::Of(Repositories::default())),
            Value::Array(_) => serde_json::from_value(setting).map(Self::Of).map_err(|error| error.to_string()),
            other => Err(format!("`{other}` is neither `true`, `false` nor a list of patterns such as `[\"public/**\"]`")),
        }
    }
}
