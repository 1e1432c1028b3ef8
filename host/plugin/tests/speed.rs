//! What a call costs: a measurement that is run by hand (`cargo test --release -p bulkhead-plugin --test speed -- --ignored --nocapture`), and
//! asserts nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bulkhead_core::ports::admission::{Change, ManifestChange, TagState};
use bulkhead_core::ports::auth::{Access, AccessAction, Credential};
use bulkhead_core::ports::driver::{Receipt, Sink};
use bulkhead_core::ports::ids::UploadId;
use serde_json::json;
use support::{blobs, context, load, spec, try_load};

async fn measure<F: Future<Output = ()>>(what: &str, count: u32, mut call: impl FnMut() -> F) {
    call().await;
    let begun = Instant::now();
    for _ in 0..count {
        call().await;
    }
    println!("{what:<44} {:>9.1} us", begun.elapsed().as_secs_f64() * 1e6 / f64::from(count));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, run by hand"]
async fn calls_cost_microseconds() {
    let rules = json!({"rules": [{"who": ["*"], "repositories": ["**"], "actions": ["pull"]}]});
    let authorizer = load("policy-rules", rules).await.authorizer().unwrap();
    let accesses = [Access { action: AccessAction::Pull, repository: Some("team/app".parse().unwrap()) }];
    let context = context();
    measure("authorize, reused instance", 20_000, async || {
        authorizer.authorize(&context, None, &accesses).await.unwrap();
    })
    .await;

    let authenticator = load("hello-auth", json!({"password": "secret"})).await.authenticator().unwrap();
    let credential = Credential::Basic { user: "ann".to_owned(), secret: "secret".to_owned() };
    measure("authenticate (on a thread of the checks)", 20_000, async || {
        authenticator.authenticate(&context, &credential).await.unwrap();
    })
    .await;
    let begun = Instant::now();
    let asking: Vec<_> = (0..16)
        .map(|_| {
            let (authenticator, context, credential) = (authenticator.clone(), context.clone(), credential.clone());
            tokio::spawn(async move {
                for _ in 0..2000 {
                    authenticator.authenticate(&context, &credential).await.unwrap();
                }
            })
        })
        .collect();
    for asked in asking {
        asked.await.unwrap();
    }
    println!("{:<44} {:>9.0} a second", "authenticate, 16 at once", 32_000.0 / begun.elapsed().as_secs_f64());

    let admission = load("hello-admission", json!({"reserved": ["latest"]})).await.admission().unwrap();
    let repository = "team/app".parse().unwrap();
    let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
    let media_type = "application/vnd.oci.image.manifest.v1+json".parse().unwrap();
    let tags = [TagState { tag: "v1".parse().unwrap(), now: None }];
    for (size, count) in [(1024, 20_000), (1024 * 1024, 1000), (4 * 1024 * 1024, 200)] {
        let body = vec![b' '; size];
        let change = Change::PutManifest(ManifestChange {
            digest: &digest,
            media_type: &media_type,
            body: &body,
            config: None,
            tags: &tags,
        });
        measure(&format!("review, a manifest of {} KiB", size / 1024), count, async || {
            admission.review(&context, None, &repository, &change).await.unwrap();
        })
        .await;
    }

    let home = tempfile::tempdir().unwrap();
    let mut spec = spec("storage-fs", json!({"root": "/blobs"}));
    spec.grants = blobs(home.path());
    let driver = try_load(spec).await.unwrap().storage(&"default".parse().unwrap(), Arc::default()).unwrap();
    std::fs::write(home.path().join("key"), "x").unwrap();
    let key = "key".parse().unwrap();
    measure("open (plan, and the host's open)", 20_000, async || {
        driver.open(&key, None).await.unwrap();
    })
    .await;
    measure("stat (through the files import)", 20_000, async || {
        driver.stat(&key).await.unwrap();
    })
    .await;
    measure("begin", 20_000, async || {
        driver.begin(&UploadId::random()).await.unwrap();
    })
    .await;
    measure("begin, next, written, commit of an empty blob", 500, async || {
        let upload = UploadId::random();
        let state = driver.begin(&upload).await.unwrap();
        let Sink::File { .. } = driver.next(&state, 0, Some(0)).await.unwrap() else { panic!() };
        let state = driver.written(&state, 0, Receipt::None).await.unwrap();
        driver.commit(&state, &format!("b/{upload}").parse().unwrap()).await.unwrap();
    })
    .await;
}
