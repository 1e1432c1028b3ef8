//! What every plugin is, whatever its kind.

use serde::de::DeserializeOwned;

use crate::Result;

/// A plugin: made once for each instance, from its settings.
///
/// The host makes as many instances as it needs, keeps them as long as it likes, and drops one after any call that failed. So what an
/// instance remembers is a cache, never the truth; the truth is in the settings, in granted files, or in [`kv`](crate::kv).
pub trait Plugin: Sized + 'static {
    /// The plugin's `config` table. Use [`NoSettings`] if it has none.
    ///
    /// A key that this type does not know is an error, also without serde's `deny_unknown_fields`.
    type Settings: DeserializeOwned;

    /// Checks the settings and makes the instance. An error stops the server's start and `config check`, with its text and the plugin's
    /// name, so say what is wrong with which key.
    fn new(settings: Self::Settings) -> Result<Self>;
}

/// A plugin that is nothing but its settings: `impl Plain for Mine {}` makes it a [`Plugin`] that serde reads.
pub trait Plain: DeserializeOwned + 'static {}

impl<P: Plain> Plugin for P {
    type Settings = P;

    fn new(settings: P) -> Result<P> {
        Ok(settings)
    }
}

/// The settings of a plugin that has none: any key is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
