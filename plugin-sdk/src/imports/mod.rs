//! What a plugin may ask of the host. In a component each call crosses to the host; elsewhere it goes to the fake host of this thread.

pub mod accounts;
pub mod below;
pub mod clock;
pub mod files;
pub mod http;
pub mod kv;
pub mod log;
pub mod random;
pub mod secrets;

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::imports::bulkhead::plugin as host;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::host;
