//! What a guest may ask of the host. Each import looks into its instance's [`Reach`](crate::state::Reach) first: what is not granted there is
//! `denied`. All waiting ends with the call's deadline, from outside; whatever reads or writes files does so off the async threads.

mod accounts;
mod below;
mod files;
mod http;
mod kv;
mod plain;
mod secrets;

use bulkhead_plugin_bindings::bulkhead::plugin::{self as interfaces, types};
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::state::State;

pub(crate) use secrets::check_secrets;

/// Everything that any plugin may import. Calls of what was not granted are answered, not refused to be linked.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    interfaces::types::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::clock::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::random::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::http::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::secrets::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::kv::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::accounts::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::objects::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::below::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    interfaces::files::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}

/// Runs what blocks on a thread for that.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, types::Error>
where
    T: Send + 'static,
    E: Into<types::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => Err(types::Error::Internal(format!("the host's own work was interrupted: {error}"))),
    }
}

/// The counterpart, or the host, is away.
fn unavailable(reason: impl Into<String>) -> types::Error {
    types::Error::Unavailable(types::Unavailable { reason: reason.into(), retry_after: None })
}
