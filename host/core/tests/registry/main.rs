//! What a registry promises, over the real catalog and data plane.

#![allow(clippy::unwrap_used, reason = "a test may stop at once where something is not as it needs it")]

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod audit;
mod basics;
mod deletions;
mod expiry;
mod locks;
mod negotiation;
mod pushes;
mod visibility;
