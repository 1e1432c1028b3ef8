//! Credentials are checked beside the threads of the caller, never on them.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::auth::{Authentication, Credential};
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_plugin::{HttpGrant, Plugin};
use serde_json::json;
use support::{context, load, small_runtime, spec, try_load};

async fn ask(plugin: Arc<Plugin>, user: &str) -> Result<Authentication, PluginError> {
    let credential = Credential::Basic { user: user.to_owned(), secret: "secret".to_owned() };
    plugin.authenticator().unwrap().authenticate(&context(), &credential).await
}

/// Lets what was spawned on this thread begin.
async fn begin() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[tokio::test(flavor = "current_thread")]
async fn a_check_goes_on_while_every_thread_of_its_caller_is_busy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let mut spec = spec("hostile-auth", json!({"behaviour": "fetch-ungranted", "url": format!("{origin}/")}));
    spec.grants.http = HttpGrant { origins: vec![origin.parse().unwrap()], ..HttpGrant::default() };
    spec.limits.time = Some(Duration::from_secs(60));
    let plugin = try_load(spec).await.unwrap();
    let asked = tokio::spawn(ask(plugin, "ann"));
    begin().await;
    // The one thread that the caller has waits here, as if it worked: the guest runs and its request is sent all the same.
    let (mut stream, _) = listener.accept().unwrap();
    let mut heard = BufReader::new(stream.try_clone().unwrap()).lines();
    while heard.next().is_some_and(|line| !line.unwrap().is_empty()) {}
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").unwrap();
    assert!(matches!(asked.await.unwrap(), Ok(Authentication::Accepted { .. })));
}

#[tokio::test(flavor = "current_thread")]
async fn a_caller_with_one_thread_goes_on_while_as_many_guests_spin_as_there_are_cores() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "loop", "at": "authenticate"}));
    spec.limits.time = Some(Duration::from_secs(60));
    let runtime = small_runtime(16);
    let spinning = runtime.load(spec).await.unwrap();
    let checks: Vec<_> = (0..cores()).map(|_| tokio::spawn(ask(spinning.clone(), "ann"))).collect();
    begin().await;
    // Authorizing is the data path's: it never queues behind a check.
    for _ in 0..200 {
        let answer = spinning.authorizer().unwrap().authorize(&context(), None, &[]).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert!(checks.iter().all(|check| !check.is_finished()));
    // One more waits for its turn, and has it as soon as a caller gives up.
    let honest = runtime.load(support::spec("hello-auth", json!({"password": "secret"}))).await.unwrap();
    let waiting = tokio::spawn(ask(honest, "bob"));
    begin().await;
    assert!(!waiting.is_finished());
    for check in checks {
        check.abort();
        assert!(check.await.unwrap_err().is_cancelled());
    }
    assert!(matches!(waiting.await.unwrap(), Ok(Authentication::Accepted { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_s_time_begins_with_its_turn() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "loop"}));
    spec.limits.time = Some(Duration::from_millis(200));
    let runtime = small_runtime(16);
    let spinning = runtime.load(spec).await.unwrap();
    // The last of them begins long after its own time would have ended, had it begun with the wait.
    let checks: Vec<_> = (0..cores() * 4).map(|_| tokio::spawn(ask(spinning.clone(), "ann"))).collect();
    let honest = runtime.load(support::spec("hello-auth", json!({"password": "secret"}))).await.unwrap();
    assert!(matches!(ask(honest, "bob").await, Ok(Authentication::Accepted { .. })));
    for check in checks {
        assert_eq!(check.await.unwrap(), Err(PluginError::TimedOut(Duration::from_millis(200))));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_runtime_is_dropped_beside_a_spinning_guest_without_waiting_for_it() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "loop"}));
    spec.limits.time = Some(Duration::from_secs(60));
    let runtime = small_runtime(4);
    let plugin = runtime.load(spec).await.unwrap();
    let check = tokio::spawn(ask(plugin.clone(), "ann"));
    begin().await;
    drop((runtime, plugin));
    assert!(!check.is_finished());
    check.abort();
    assert!(check.await.unwrap_err().is_cancelled());
    // A host is not kept from ending, nor from starting once more.
    let plugin = load("hello-auth", json!({"password": "secret"})).await;
    assert!(matches!(ask(plugin, "bob").await, Ok(Authentication::Accepted { .. })));
}
