//! Contracts as programs: one for each kind of plugin, run against every plugin of that kind through the Wasm boundary.

pub mod storage;
