//! The harness of Bulkhead's tests: real servers, real clients, and what both exchange.
//!
//! Every server has a folder and a port of its own, so tests run side by side. Nothing here knows the inside of the server: it is
//! the binary, its configuration file, its HTTP, its log and its exit status. Where the binary and the guests lie comes from the
//! environment (`BULKHEAD_BIN`, `BULKHEAD_GUESTS`, `BULKHEAD_NODE`, `BULKHEAD_MOTO`, `BULKHEAD_GARAGE`), which `cargo xtask test` sets; the
//! usual places are the default.

pub mod azurite;
pub mod certificates;
pub mod config;
pub mod containerd;
pub mod containers;
mod daemon;
pub mod digest;
pub mod docker;
pub mod garage;
pub mod http;
pub mod image;
pub mod issuer;
pub mod memory;
pub mod moto;
pub mod operator;
pub mod places;
pub mod programs;
pub mod receiver;
pub mod refusal;
pub mod registry;
pub mod relay;
mod response;
pub mod s3;
pub mod samples;
pub mod server;
pub mod shell;
pub mod suites;
pub mod tree;
pub mod users;
