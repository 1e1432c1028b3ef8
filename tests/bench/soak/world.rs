//! What all clients of the soak have in common: the repositories, the content that several push, and what each shows to the others.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use bulkhead_tests::digest::Pattern;
use bulkhead_tests::image::{Blob, media};

/// How many repositories there are.
pub const REPOSITORIES: usize = 200;
/// Content that is pushed by anybody to anywhere, and deleted by nobody.
const SHARED: usize = 20;
/// Of which every so manyth is large.
const LARGE_EVERY: usize = 5;
/// How many images a client shows.
const SHOWN: usize = 16;

/// An image that its owner shows to the others; by the time that they ask it may be gone.
#[derive(Clone)]
pub struct Shown {
    /// Its repository.
    pub repository: usize,
    /// A tag that pointed to it.
    pub tag: String,
    /// Its manifest.
    pub digest: String,
    /// What the manifest needs.
    pub blobs: Vec<String>,
}

/// See the module.
pub struct World {
    /// By their numbers. Those below the number of clients are homes: only one client pushes there.
    pub repositories: Vec<String>,
    /// What every client may push; the first is `{}`, the empty configuration of artifacts.
    pub shared: Vec<Blob>,
    /// Operations done so far, by all.
    pub operations: AtomicU64,
    /// Requests answered so far, to all.
    pub requests: AtomicU64,
    boards: Vec<Mutex<VecDeque<Shown>>>,
}

impl World {
    /// Makes the content of this seed, for so many clients.
    pub fn new(seed: u64, clients: usize) -> Self {
        let shared = (0..SHARED).map(|number| {
            let seed = seed.wrapping_add(1).wrapping_mul(1_000_003) + number as u64;
            let kib = if number % LARGE_EVERY == 1 { 1024 + 512 * number / LARGE_EVERY } else { 1 + 4 * number };
            Blob::new(media::OCI_LAYER, Pattern::bytes(seed, kib * 1024))
        });
        let empty = Blob::new("application/vnd.oci.empty.v1+json", b"{}".to_vec());
        Self {
            repositories: (0..REPOSITORIES).map(|number| name(number, clients)).collect(),
            shared: [empty].into_iter().chain(shared).collect(),
            operations: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            boards: (0..clients).map(|_| Mutex::default()).collect(),
        }
    }

    /// Whether every client may push this content.
    pub fn is_shared(&self, digest: &str) -> bool {
        self.shared.iter().any(|blob| blob.digest == digest)
    }

    /// Lets the others see it.
    pub fn show(&self, client: usize, shown: Shown) {
        let mut board = self.boards[client].lock().expect("no holder of a board panics");
        board.push_back(shown);
        if board.len() > SHOWN {
            board.pop_front();
        }
    }

    /// One of those that a client shows.
    pub fn look(&self, client: usize, which: usize) -> Option<Shown> {
        let board = self.boards[client].lock().expect("no holder of a board panics");
        board.get(which % board.len().max(1)).cloned()
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.boards.len()
    }
}

/// Names of all shapes, some of which begin as another does.
fn name(number: usize, clients: usize) -> String {
    let group = number / 4 * 4;
    match number % 4 {
        _ if number < clients => format!("soak/home-{number:02}"),
        0 => format!("soak/r{group:03}"),
        1 => format!("soak/r{group:03}/app"),
        2 => format!("soak/r{group:03}/app/web-front__end"),
        _ => format!("soak/r{group:03}.x"),
    }
}
