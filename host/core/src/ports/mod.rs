//! The traits that the core owns and the values they carry. Nothing here acts.

pub mod accounts;
pub mod admission;
pub mod audit;
pub mod auth;
pub mod catalog;
pub mod clock;
pub mod context;
pub mod driver;
pub mod event;
pub mod ids;
pub mod plugin;
pub mod store;
