//! The server's memory does not grow with the size of what it moves.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{Hasher, Pattern};
use bulkhead_tests::http::Client;
use bulkhead_tests::memory::Watch;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

const CLIENTS: u64 = 4;
const SIZE: u64 = 256 * 1024 * 1024;
const MOST: u64 = 200 * 1024 * 1024;

#[test]
fn four_clients_that_push_and_pull_at_once_cost_less_than_200_mib() {
    let server = Server::start(&Config::open());
    let watch = Watch::start(server.pid());
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let client = server.client();
            scope.spawn(move || push_and_pull(&client, number));
        }
    });
    let peak = watch.stop();
    println!("peak memory: {} MiB", peak / 1024 / 1024);
    assert!(peak < MOST, "peak memory: {} MiB", peak / 1024 / 1024);
}

fn push_and_pull(client: &Client, number: u64) {
    let pattern = Pattern::new(number, SIZE);
    let digest = pattern.digest();
    let repository = format!("big/app-{number}");
    let upload = registry::begin(client, &repository);
    let patched = client.request("PATCH", &upload).reader(pattern, SIZE).send().expect(202);
    registry::finish(client, &registry::location(&patched), &digest).expect(201);

    let mut hasher = Hasher::default();
    let pulled = client.request("GET", &format!("/v2/{repository}/blobs/{digest}")).send_into(&mut hasher).unwrap().expect(200);
    assert!(pulled.complete);
    assert_eq!(hasher.finish(), (digest, SIZE));
}
