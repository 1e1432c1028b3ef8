//! One client of the soak: chooses what to do next, and at the end looks for all that it owns.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bulkhead_tests::digest::Pattern;
use bulkhead_tests::http::Client;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::model::{Held, Model, manifest_path};
use super::report::Tally;
use super::wire::{Checked, Wire};
use super::world::World;

/// A client that holds so many manifests deletes before it pushes again.
const MOST_MANIFESTS: usize = 40;
/// The same for blobs that no manifest needs.
const MOST_FREE_BLOBS: usize = 60;
/// A client with so many faults gives up: what follows would only repeat them.
const MOST_FAULTS: usize = 5;
/// Repositories in which a client is half of the time, so that it has several manifests in one.
const FAVOURITES: usize = 6;
/// Large blobs of each client, pushed again and again: bytes of deleted blobs may stay on the disk.
const LARGE: usize = 5;

/// Whether there was something to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Yes,
    /// The client owns nothing that it could be done to.
    Nothing,
}

/// An operation of a client.
type Action<'a> = fn(&mut Soaker<'a>) -> Checked<Done>;

/// What a client does, how often of the sum of these numbers.
const fn operations<'a>() -> [(&'static str, u32, Action<'a>); 18] {
    [
        ("push an image", 14, Soaker::push_image),
        ("push an index", 3, Soaker::push_index),
        ("push an artifact", 4, Soaker::push_artifact),
        ("push a blob", 3, Soaker::push_free_blob),
        ("tag", 5, Soaker::tag),
        ("move a tag", 3, Soaker::move_tag),
        ("mount an image", 6, Soaker::mount_image),
        ("mount from another", 4, Soaker::mount_from_another),
        ("cancel an upload", 2, Soaker::cancel_upload),
        ("pull", 16, Soaker::pull),
        ("pull from another", 8, Soaker::pull_from_another),
        ("list tags", 8, Soaker::list_tags),
        ("list referrers", 3, Soaker::list_referrers),
        ("list the catalog", 1, Soaker::list_catalog),
        ("delete a tag", 5, Soaker::delete_tag),
        ("delete a manifest", 8, Soaker::delete_manifest),
        ("delete a blob", 4, Soaker::delete_blob),
        ("try a needed blob", 2, Soaker::delete_needed_blob),
    ]
}

/// A blob that is made anew whenever it is pushed.
pub struct Large {
    pattern: u64,
    length: usize,
}

impl Large {
    /// Its content.
    pub fn bytes(&self) -> Vec<u8> {
        Pattern::bytes(self.pattern, self.length)
    }
}

/// See the module. Its operations stand in the modules beside this one.
pub struct Soaker<'a> {
    pub(super) number: usize,
    pub(super) random: StdRng,
    pub(super) wire: Wire<'a>,
    pub(super) world: &'a World,
    pub(super) model: Model,
    pub(super) large: Vec<Large>,
    favourites: Vec<usize>,
    names: u64,
    tally: Tally,
}

impl<'a> Soaker<'a> {
    /// The client of this number.
    pub fn new(number: usize, seed: u64, client: Client, world: &'a World) -> Self {
        let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1000) + number as u64);
        let favourites = (0..FAVOURITES).map(|_| random.random_range(world.clients()..world.repositories.len())).collect();
        let large = (1..=LARGE).map(|mib| Large { pattern: random.random(), length: mib << 20 });
        let large = large.collect();
        let wire = Wire::new(client, &world.requests);
        Self { number, random, wire, world, model: Model::default(), large, favourites, names: 0, tally: Tally::default() }
    }

    /// Goes on until the time is over, then checks all that it owns.
    pub fn soak(&mut self, end: Instant) {
        while Instant::now() < end && self.tally.faults.len() < MOST_FAULTS {
            let (name, action) = self.choose();
            self.attempt(name, action);
        }
        self.attempt("look for all at the end", Self::check_everything);
    }

    /// What there is to tell of it.
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    fn attempt(&mut self, name: &'static str, action: Action<'a>) {
        let started = Instant::now();
        match action(self) {
            Ok(Done::Nothing) => {}
            Ok(Done::Yes) => {
                self.world.operations.fetch_add(1, Ordering::Relaxed);
                self.tally.count(name, started.elapsed());
            }
            Err(fault) => {
                let fault = format!("client {}, {name}: {fault}", self.number);
                eprintln!("fault: {fault}");
                self.tally.faults.push(fault);
            }
        }
    }

    fn choose(&mut self) -> (&'static str, Action<'a>) {
        if self.model.manifests.len() >= MOST_MANIFESTS {
            return ("delete a manifest", Self::delete_manifest);
        }
        if self.model.free_blobs().len() >= MOST_FREE_BLOBS {
            return ("delete a blob", Self::delete_blob);
        }
        let sum = operations().iter().map(|(_, weight, _)| weight).sum();
        let mut left = self.random.random_range(0..sum);
        for (name, weight, action) in operations() {
            if left < weight {
                return (name, action);
            }
            left -= weight;
        }
        unreachable!("the number lies below the sum of the weights")
    }

    /// All that it owns is there, byte for byte, and nothing that it deleted.
    fn check_everything(&mut self) -> Checked<Done> {
        for held in &self.model.manifests {
            self.check_manifest(held, &held.digest)?;
            for tag in self.model.tags_of(held) {
                self.check_manifest(held, &tag)?;
            }
        }
        for ((repository, digest), stored) in &self.model.blobs {
            self.check_blob(*repository, digest, stored.size)?;
        }
        for (repository, path) in self.model.gone() {
            self.wire.ask("HEAD", &format!("/v2/{}/{path}", self.world.repositories[*repository]), &[404])?;
        }
        for repository in self.model.repositories() {
            self.check_tags(repository, 1000)?;
        }
        self.list_catalog()
    }

    /// GET of an own manifest under one of its names.
    pub(super) fn check_manifest(&self, held: &Held, reference: &str) -> Checked {
        let repository = &self.world.repositories[held.repository];
        let answer = self.wire.manifest(repository, reference, &[200])?;
        if answer.body != held.body || answer.header("Content-Type") != Some(held.media_type.as_str()) {
            let path = manifest_path(reference);
            return Err(format!("{repository}/{path} is not {}\n{:?}\n{}", held.digest, answer.headers, answer.text()));
        }
        Ok(())
    }

    /// GET of a blob that must be there.
    pub(super) fn check_blob(&self, repository: usize, digest: &str, size: u64) -> Checked {
        let repository = &self.world.repositories[repository];
        let found = self.wire.blob(repository, digest, &[200])?;
        if found == Some(size) { Ok(()) } else { Err(format!("{repository}/{digest} has {found:?} bytes, not {size}")) }
    }

    /// Where it works next.
    pub(super) fn pick_repository(&mut self) -> usize {
        match self.random.random_range(0..10) {
            0 => self.number,
            1..=5 => self.favourites[self.random.random_range(0..self.favourites.len())],
            _ => self.random.random_range(self.world.clients()..self.world.repositories.len()),
        }
    }

    /// One of so many.
    pub(super) fn pick(&mut self, count: usize) -> Option<usize> {
        (count > 0).then(|| self.random.random_range(0..count))
    }

    /// A tag that no client has had before.
    pub(super) fn new_tag(&mut self) -> String {
        self.names += 1;
        format!("{}{:06}", self.prefix(), self.names)
    }

    /// How this client's tags begin, and those of no other.
    pub(super) fn prefix(&self) -> String {
        format!("c{:02}-", self.number)
    }

    /// A client that is not this one.
    pub(super) fn another(&mut self) -> usize {
        let others = self.world.clients() - 1;
        (self.number + 1 + self.random.random_range(0..others)) % self.world.clients()
    }
}
