//! One module for each kind of plugin: its trait, its values, and the way from the generated trait to it.

pub mod admission;
pub mod authenticator;
pub mod authorizer;
pub mod storage;
pub mod webhook;
