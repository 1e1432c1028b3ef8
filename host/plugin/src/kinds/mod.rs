//! The core's ports, each implemented over the exports of a component. What a guest answers is bounded and parsed here: what breaks the
//! interface's contract is [`PluginError::Nonsense`].

mod admission;
mod auth;
mod layered;
mod storage;
mod values;
mod web;
mod webhook;

use bulkhead_core::ports::plugin::PluginError;
use bulkhead_plugin_bindings::bulkhead::plugin::types;

pub(crate) use admission::AdmissionPlugin;
pub(crate) use auth::AuthPlugin;
pub(crate) use storage::StoragePlugin;
pub(crate) use values::{guest_error, http_request, wit_http_response};
pub(crate) use webhook::HookPlugin;

/// The guest's own error, where it gave one.
fn answered<T>(answer: Result<Result<T, types::Error>, PluginError>) -> Result<T, PluginError> {
    answer?.map_err(guest_error)
}

fn nonsense<T>(text: impl Into<String>) -> Result<T, PluginError> {
    Err(PluginError::Nonsense(text.into()))
}
