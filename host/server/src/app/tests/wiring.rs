//! What a configuration says reaches the registries, and what runs in the background is theirs.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bulkhead_core::auth::Caller;
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Act;
use tokio::sync::Notify;

use super::*;

/// Its time goes on where a test says so, and whoever waits for it waits for ever.
struct StoppedClock {
    millis: AtomicU64,
    waited: Notify,
}

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.millis.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {
        self.waited.notify_one();
        std::future::pending().await
    }
}

fn context() -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: "default".parse().unwrap(),
        received: Timestamp(0),
        address: "127.0.0.1:1".into(),
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        host: "127.0.0.1:5000".into(),
        method: "POST".into(),
        user_agent: None,
        encrypted: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stands_still_for_its_lifetime_is_dropped() {
    let folder = ScratchDirectory::new().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, format!("{GOOD}[registries.default.uploads]\nlifetime = '5s'\nchunk-min = '1MiB'\n")).unwrap();
    let config = config::load(Some(&file), &Overrides::default(), &bundled::names()).unwrap();
    let clock = Arc::new(StoppedClock { millis: 1_000_000.into(), waited: Notify::default() });
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let (services, catalog) = services(&config, &shared).await;
    let wired = async || prepare(&config, &config.data, &services).await.unwrap().wired;
    // Runs it until it has nothing to do.
    let run = async |janitor: bulkhead_core::registry::Janitor| {
        tokio::select! {
            () = janitor.run() => unreachable!("it works for ever"),
            () = clock.waited.notified() => {}
        }
    };
    let first = wired().await;
    let registry = first.host.resolve("127.0.0.1:5000").unwrap();
    assert_eq!((registry.rules().upload_life, registry.rules().chunk_min), (Duration::from_secs(5), Some(1 << 20)));
    let (context, repository) = (context(), "team/app".parse().unwrap());
    let act = Act { context: &context, caller: &Caller::Anonymous };
    let upload = registry.begin_upload(act, &repository, "sha256".parse().unwrap()).await.unwrap();
    let id = catalog.registry(registry.name(), Timestamp(0)).await.unwrap();
    let kept = async || catalog.upload(id, &repository, &upload.id).await.unwrap().is_some();

    clock.millis.store(1_004_999, Ordering::SeqCst);
    run(first.janitor).await;
    assert!(kept().await, "its time is not over");
    clock.millis.store(1_005_000, Ordering::SeqCst);
    run(wired().await.janitor).await;
    assert!(!kept().await);
}
