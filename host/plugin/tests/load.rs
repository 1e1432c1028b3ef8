//! Loading: what stops the start, and with which words.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_plugin::{ComponentSource, Kind, LoadError, SecretSource};
use bytes::Bytes;
use serde_json::json;
use support::{guest, load, runtime, small_runtime, spec, try_load};

const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

async fn error_of(bytes: &[u8]) -> LoadError {
    let mut spec = spec("hello-auth", json!({"password": "x"}));
    spec.component = ComponentSource::Bytes(Bytes::copy_from_slice(bytes));
    try_load(spec).await.err().unwrap()
}

#[tokio::test]
async fn a_component_is_what_it_exports() {
    let plugin = load("hello-auth", json!({"password": "x"})).await;
    assert_eq!(plugin.kinds(), [Kind::Authenticator]);
    assert!(plugin.authenticator().is_some() && plugin.authorizer().is_none());
    assert!(
        plugin.storage(&"default".parse().unwrap(), Arc::default()).is_none()
            && plugin.webhook(&"default".parse().unwrap()).is_none()
    );
    assert!(plugin.label().digest.starts_with("sha256:") && &*plugin.label().name == "hello-auth");
    let both = runtime().inspect(guest("hostile-auth")).await.unwrap();
    assert_eq!(both.kinds, [Kind::Authenticator, Kind::Authorizer]);
    assert!(both.imports.iter().any(|name| name == "bulkhead:plugin/http@0.1.0"));
    assert!(both.size > 1000 && both.digest.len() == 71);
}

#[tokio::test]
async fn what_is_no_component_is_told_apart() {
    assert!(matches!(error_of(b"\0asm\x01\0\0\0").await, LoadError::NotAComponent(text) if text.contains("wasm32-wasip2")));
    assert!(matches!(error_of(b"#!/bin/sh").await, LoadError::NotAComponent(_)));
    assert!(matches!(error_of(b"").await, LoadError::NotAComponent(_)));
    assert!(matches!(error_of(&[EMPTY_COMPONENT, b"\xff\xff"].concat()).await, LoadError::NotAComponent(_)));
    assert!(matches!(error_of(EMPTY_COMPONENT).await, LoadError::NoKind { found } if found == "nothing"));
    let mut spec = spec("hello-auth", json!(null));
    spec.component = ComponentSource::File("/no/such.wasm".into());
    assert!(matches!(try_load(spec).await, Err(LoadError::Unreadable { path, .. }) if path.ends_with("such.wasm")));
}

#[tokio::test]
async fn an_import_that_is_not_offered_is_named() {
    // (component (import "wasi:http/types@0.2.0" (instance)))
    let name = b"wasi:http/types@0.2.0";
    let import = [&[1, 0, 21][..], name, &[5, 0]].concat();
    let bytes = [EMPTY_COMPONENT, &[7, 3, 1, 0x42, 0], &[10, u8::try_from(import.len()).unwrap()], &import].concat();
    let error = error_of(&bytes).await;
    assert!(matches!(&error, LoadError::UnknownImport { name, .. } if name == "wasi:http/types@0.2.0"), "{error}");
}

#[tokio::test]
async fn settings_that_the_plugin_rejects_stop_the_load_with_its_words() {
    let error = try_load(spec("hello-auth", json!({"pasword": "x"}))).await.err().unwrap();
    assert!(matches!(&error, LoadError::Settings(text) if text.contains("password")), "{error}");
    let error = try_load(spec("hello-auth", json!([1]))).await.err().unwrap();
    assert!(matches!(error, LoadError::Settings(_)));
    let error = try_load(spec("hello-auth", json!(null))).await.err().unwrap();
    assert!(matches!(error, LoadError::Settings(_)));
}

#[tokio::test]
async fn a_missing_grant_stops_the_load() {
    let error = try_load(spec("storage-fs", json!({"root": "/blobs"}))).await.err().unwrap();
    assert!(matches!(&error, LoadError::Settings(text) if text.contains("/blobs") && text.contains("not granted")), "{error}");
    let mut spec = spec("storage-fs", json!({"root": "/blobs"}));
    spec.grants = support::blobs(std::path::Path::new("/no/such/directory"));
    assert!(matches!(try_load(spec).await, Err(LoadError::Grant { what, .. }) if what == "directories.\"/blobs\""));
    let mut spec = support::spec("hello-auth", json!({"password": "x"}));
    let nowhere = SecretSource::File("/no/such/secret".into());
    spec.grants.secrets = [("key".to_owned(), nowhere)].into();
    assert!(matches!(try_load(spec).await, Err(LoadError::Grant { what, .. }) if what == "secrets.\"key\""));
}

#[tokio::test]
async fn a_plugin_that_loops_or_panics_while_it_starts_is_not_loaded() {
    let mut looping = spec("hostile-auth", json!({"behaviour": "configure-loop"}));
    looping.limits.time = Some(Duration::from_millis(100));
    assert_eq!(try_load(looping).await.err(), Some(LoadError::TimedOut(Duration::from_millis(100))));
    let panicking = spec("hostile-auth", json!({"behaviour": "configure-panic"}));
    assert!(matches!(try_load(panicking).await, Err(LoadError::Trapped(_))));
}

#[tokio::test]
async fn limits_that_cannot_be_kept_are_refused() {
    let mut spec = spec("hello-auth", json!({"password": "x"}));
    spec.limits.memory = 1 << 30;
    assert!(matches!(try_load(spec.clone()).await, Err(LoadError::Limit { what: "memory", .. })));
    spec.limits.memory = 64 * 1024;
    spec.limits.time = Some(Duration::MAX);
    assert!(matches!(try_load(spec.clone()).await, Err(LoadError::Limit { what: "time", .. })));
    spec.limits.time = None;
    assert!(matches!(try_load(spec).await, Err(LoadError::Trapped(text)) if text.contains("memory")));
}

#[tokio::test]
async fn more_settings_make_another_unit_of_the_same_component() {
    let plugin = load("hello-auth", json!({"password": "x"})).await;
    let other = plugin.with_settings(&json!({"password": "y"})).await.unwrap();
    assert_eq!(other.label(), plugin.label());
    assert!(plugin.with_settings(&json!(null)).await.is_ok());
    assert!(matches!(plugin.with_settings(&json!({"password": 1})).await, Err(LoadError::Settings(_))));
    assert!(matches!(plugin.with_settings(&json!("x")).await, Err(LoadError::Settings(_))));
}

#[tokio::test]
async fn instances_that_wait_make_room_for_others() {
    let runtime = small_runtime(2);
    let mut plugins = Vec::new();
    for _ in 0..6 {
        let plugin = runtime.load(spec("hello-auth", json!({"password": "x"}))).await.unwrap();
        let authenticator = plugin.authenticator().unwrap();
        let credential = bulkhead_core::ports::auth::Credential::Bearer("t".to_owned());
        authenticator.authenticate(&support::context(), &credential).await.unwrap();
        plugins.push(authenticator);
    }
    for authenticator in &plugins {
        let credential = bulkhead_core::ports::auth::Credential::Bearer("t".to_owned());
        authenticator.authenticate(&support::context(), &credential).await.unwrap();
    }
}
