//! Write plugins for the Bulkhead container registry.
//!
//! A plugin is a type that implements [`Plugin`] and the trait of each kind that it is for: [`Authenticator`], [`Authorizer`],
//! [`Admission`], [`Storage`] or [`Webhook`]. One line exports it: `export!(Mine: Authenticator, Authorizer);`. What it may ask of the host
//! are the modules [`log`], [`clock`], [`random`], [`http`], [`secrets`], [`kv`], [`accounts`], [`files`] and [`below`]; each but the first three only
//! as far as the operator granted it. Compiled for any other target than Wasm the same calls go to the fake host of [`testing`], so that
//! plain `cargo test` tests a plugin.
//!
//! [`glob`] has the patterns of the bundled policies.
//!
//! Nothing here does I/O, and nothing keeps state between two instances of a plugin: an instance may be dropped after any call.

pub mod actions;
#[doc(hidden)]
pub mod bindings;
mod caller;
mod error;
#[doc(hidden)]
pub mod export;
pub mod glob;
mod imports;
mod kinds;
mod plugin;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use bindings::imports::bulkhead::plugin::types::{
    Caller, Error, Header, HttpRequest, HttpResponse, Identity, RequestContext, Timestamp, Unavailable,
};
pub use error::{OrError, Result};
pub use imports::{accounts, below, clock, files, http, kv, log, random, secrets};
pub use kinds::{admission, authenticator, authorizer, storage, webhook};
pub use plugin::{NoSettings, Plain, Plugin};

pub use admission::Admission;
pub use authenticator::Authenticator;
pub use authorizer::Authorizer;
pub use storage::Storage;
pub use webhook::Webhook;

/// What most plugins use: `use bulkhead_plugin_sdk::prelude::*;`. The two enums named `Action` are left out: write `authorizer::Action` and
/// `webhook::Action`.
pub mod prelude {
    pub use crate::admission::{Admission, Change, Opinion};
    pub use crate::authenticator::{Acceptance, Authentication, Authenticator, Basic, Credential, Standing};
    pub use crate::authorizer::{Access, Authorizer, Verdict};
    pub use crate::storage::{ByteRange, FileSlice, ObjectInfo, Progress, Receipt, Sink, Source, Storage};
    pub use crate::webhook::{Event, Judgement, Webhook};
    pub use crate::{
        Caller, Error, HttpRequest, HttpResponse, Identity, NoSettings, OrError, Plain, Plugin, RequestContext, Result, accounts,
        authorizer, below, clock, export, files, http, kv, log, random, secrets, webhook,
    };
}

/// The first hour's code is compiled, so that it stays true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
