//! The server is killed at random instants of concurrent pushes; what was acknowledged is whole, and nothing else is visible.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::http::Client;
use bulkhead_tests::image::{Blob, Image, media};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

const ROUNDS: u64 = 20;
const IMAGES: u64 = 8;
/// So that a failure can be run again.
const SEED: u64 = 0x00B1_0CCE_D000;

type Pushed = BTreeMap<(String, String), Image>;

#[test]
fn every_acknowledged_push_survives_twenty_kills_and_nothing_else_is_visible() {
    println!("seed {SEED:#x}");
    let mut random = StdRng::seed_from_u64(SEED);
    let mut server = Server::start(&Config::open());
    let (mut acknowledged, mut attempted) = (Pushed::new(), Pushed::new());
    let mut interrupted = Vec::new();
    let calm = calm_push(&server, &mut random, &mut acknowledged, &mut attempted);

    for round in 1..=ROUNDS {
        let images: Vec<(String, Image)> = (0..IMAGES).map(|number| image(round, number, &mut random)).collect();
        let instant = calm.mul_f64(random.random_range(0.01..2.5));
        let outcomes = push_until_killed(&mut server, round, &images, instant);
        for ((repository, image), done) in images.into_iter().zip(outcomes) {
            let key = (repository, format!("r{round}"));
            if done {
                acknowledged.insert(key.clone(), image.clone());
            } else {
                interrupted.push((key.0.clone(), image.clone()));
            }
            attempted.insert(key, image);
        }
        server.restart();
        let client = server.client();
        assert_nothing_unknown(&client, &acknowledged, &attempted);
        // All rounds so far: a restart must spoil nothing of an earlier one either.
        for ((repository, tag), image) in &acknowledged {
            registry::assert_whole(&client, repository, tag, image);
        }
        for (repository, image) in &interrupted {
            assert_each_part_is_whole_or_absent(&client, repository, image);
        }
    }

    println!("{} acknowledged, {} interrupted", acknowledged.len(), interrupted.len());
    let enough = acknowledged.len() as u64 > IMAGES && !interrupted.is_empty();
    assert!(enough, "the kills came all too early or all too late");
}

/// Pushes a first round undisturbed; how long it took is the measure of the random instants.
fn calm_push(server: &Server, random: &mut StdRng, acknowledged: &mut Pushed, attempted: &mut Pushed) -> Duration {
    let images: Vec<(String, Image)> = (0..IMAGES).map(|number| image(0, number, random)).collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for (repository, image) in &images {
            let client = server.client();
            scope.spawn(move || registry::push_image(&client, repository, "r0", image));
        }
    });
    let calm = started.elapsed();
    for (repository, image) in images {
        acknowledged.insert((repository.clone(), "r0".to_owned()), image.clone());
        attempted.insert((repository, "r0".to_owned()), image);
    }
    calm
}

/// Two layers, one of which every image of the round has: what several pushes bring at once is the harder case.
fn image(round: u64, number: u64, random: &mut StdRng) -> (String, Image) {
    let seed = 1 + round * IMAGES + number;
    let size = random.random_range(1..600_000);
    let layers = vec![
        Blob::new(media::OCI_LAYER, Pattern::bytes(seed, size)),
        Blob::new(media::OCI_LAYER, Pattern::bytes(1_000_000 + round, 20_000)),
    ];
    (format!("crash/app-{number}/part"), Image::oci_of(seed, layers))
}

/// Pushes all at once, kills the server after `instant`, and says which pushes were acknowledged.
fn push_until_killed(server: &mut Server, round: u64, images: &[(String, Image)], instant: Duration) -> Vec<bool> {
    let client = server.client();
    let finished = (Mutex::new(0), Condvar::new());
    std::thread::scope(|scope| {
        let pushes: Vec<_> = images
            .iter()
            .map(|(repository, image)| {
                let (client, finished) = (client.clone(), &finished);
                scope.spawn(move || {
                    let done = registry::try_push_image(&client, repository, &format!("r{round}"), image).is_ok();
                    *finished.0.lock().unwrap() += 1;
                    finished.1.notify_all();
                    done
                })
            })
            .collect();
        // The random instant, or the end of all pushes, whichever is first.
        let guard = finished.0.lock().unwrap();
        drop(finished.1.wait_timeout_while(guard, instant, |count| *count < images.len()).unwrap());
        server.kill9();
        pushes.into_iter().map(|push| push.join().unwrap()).collect()
    })
}

/// Every tag that is visible was acknowledged, or is at least whole: the answer may have been lost on its way.
fn assert_nothing_unknown(client: &Client, acknowledged: &Pushed, attempted: &Pushed) {
    let mut visible = 0;
    for repository in registry::repositories(client) {
        for tag in registry::tags(client, &repository) {
            visible += 1;
            let key = (repository.clone(), tag);
            if acknowledged.contains_key(&key) {
                continue;
            }
            let image = attempted.get(&key).unwrap_or_else(|| panic!("{key:?} was never pushed"));
            registry::assert_whole(client, &key.0, &key.1, image);
        }
    }
    assert!(visible >= acknowledged.len(), "{visible} tags are visible, {} were acknowledged", acknowledged.len());
}

/// What a push that was cut off left behind by digest: each blob not at all or to its last byte, the manifest not at all or with all of them.
fn assert_each_part_is_whole_or_absent(client: &Client, repository: &str, image: &Image) {
    for blob in image.blobs() {
        if is_there(client, &format!("/v2/{repository}/blobs/{}", blob.digest)) {
            let pulled = registry::get_blob(client, repository, &blob.digest).expect(200);
            let right = pulled.complete && digest::sha256(&pulled.body) == blob.digest;
            assert!(right, "{} of {repository} has other bytes, {} of them", blob.digest, pulled.body.len());
        }
    }
    let manifest = &image.manifest.digest;
    if is_there(client, &format!("/v2/{repository}/manifests/{manifest}")) {
        registry::assert_whole(client, repository, manifest, image);
    }
}

/// By HEAD.
fn is_there(client: &Client, target: &str) -> bool {
    let answer = client.request("HEAD", target).header("Accept", registry::ACCEPT).send();
    assert!(matches!(answer.status, 200 | 404), "HEAD {target}: {answer:?}");
    answer.status == 200
}
