//! The end-to-end tests: one binary, so that it is linked once. Each test has servers, ports and folders of its own.

// In a test a panic is the verdict.
#![allow(clippy::unwrap_used)]

mod accounts;
mod accounts_docker;
mod api;
mod artifacts;
mod attacks;
mod auth_http;
mod bad_manifests;
mod bad_requests;
mod commands;
mod config_faults;
mod containerd;
mod crash;
mod docker;
mod docs;
mod engines;
mod first_start;
mod hostile_auth;
mod hostile_storage;
mod hostile_webhook;
mod login_pages;
mod memory;
mod oidc;
mod plugin_docs;
mod pull;
mod push;
mod secrets;
mod skopeo;
mod spec;
mod storage_layers;
mod swap;
mod tls;
mod tls_docker;
mod tokens;
mod upload;
mod walls;
mod webhooks;
