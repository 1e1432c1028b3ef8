//! The keys of one issuer, kept: in the plugin's state where that is granted, so that all instances share them, and in this instance.
//!
//! Whatever tokens come, the issuer is asked at most once in [`PAUSE`], or in [`RETRY`] while there are no keys that can be used. It is asked when
//! a token names a key that is not known, and when the keys are older than `max-age`; while it is away, keys serve on until they are
//! [`WORTHLESS`]. Where another instance is asking, what it hears is waited for.
//!
//! Without state of its own each instance asks for itself, and one that dies while it waits for an issuer that hangs is replaced by one that
//! knows nothing of it. So that is warned of at the start.

use std::time::Duration;

use bulkhead_plugin_sdk::prelude::*;
use sha2::{Digest, Sha256};

use crate::fetch::Source;
use crate::jwk::Key;
use crate::token::Header;

/// Between two requests for an issuer's keys, in milliseconds.
const PAUSE: u64 = 60_000;
/// The same while there are none that can be used: nobody of the issuer gets in until then.
const RETRY: u64 = 5_000;
/// The age at which keys are not used any more, in milliseconds.
const WORTHLESS: u64 = 24 * 3_600_000;
/// The age from which on they are fetched again whatever the settings say: the issuer may be away for as long again.
const OLDEST: u64 = WORTHLESS / 2;
/// How long another instance is waited for that asks, in milliseconds: by default a call has a second.
const PATIENCE: u64 = 700;
/// How long after an instance began to ask it is taken to be at it still, in milliseconds.
const ASKING: u64 = 2_000;
/// Between two looks at what it heard.
const STEP: Duration = Duration::from_millis(50);
/// How long the plugin's state keeps them, in seconds: until nothing could use them.
const KEPT: u32 = 25 * 3_600;
/// The most keys that one token is checked with, where several have the same name.
const MOST_TRIED: usize = 4;

/// The keys of one issuer.
pub struct Keyring {
    issuer: String,
    source: Source,
    max_age: u64,
    /// Where the plugin's state has them.
    place: String,
    held: Held,
    failure: Option<Error>,
}

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Held {
    keys: Vec<Key>,
    /// When these keys came, and when the issuer was asked last; 0: never.
    fetched: u64,
    asked: u64,
    /// When the last asking was over, however it ended.
    #[serde(default)]
    ended: u64,
}

/// Which keys a token may have been signed with.
#[derive(Debug, PartialEq, Eq)]
pub enum Candidates {
    /// One of these.
    Keys(Vec<Key>),
    /// The issuer has no such key.
    None,
}

impl Keyring {
    /// Nothing is fetched before the first token comes. `max_age` is in seconds.
    pub fn new(issuer: &str, source: Source, max_age: u32) -> Self {
        let digest = Sha256::digest(format!("{issuer}\n{source:?}"));
        let place = digest.iter().take(16).fold("keys/".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let max_age = (u64::from(max_age) * 1000).min(OLDEST);
        Self { issuer: issuer.to_owned(), source, max_age, place, held: Held::default(), failure: None }
    }

    /// The keys that fit a token's header. An error if the issuer is away and its keys are not known.
    pub fn find(&mut self, header: &Header, now: u64) -> Result<Candidates> {
        if let Some(found) = self.fresh(header, now) {
            return Ok(found);
        }
        self.load();
        if let Some(found) = self.fresh(header, now) {
            return Ok(found);
        }
        let pause = if age(self.held.fetched, now) < WORTHLESS { PAUSE } else { RETRY };
        if age(self.held.asked, now) >= pause {
            self.ask(now);
        } else if let Some(found) = self.wait(header) {
            return Ok(found);
        }
        if age(self.held.fetched, now) >= WORTHLESS {
            return Err(self.away());
        }
        let found = self.held.fitting(header);
        match &found {
            Candidates::None if self.held.fetched < self.held.asked => Err(self.away()),
            _ => Ok(found),
        }
    }

    fn fresh(&self, header: &Header, now: u64) -> Option<Candidates> {
        let found = self.held.fitting(header);
        (age(self.held.fetched, now) < self.max_age && found != Candidates::None).then_some(found)
    }

    /// Waits for what another instance hears from the issuer, if one is asking. None: not what was hoped for.
    fn wait(&mut self, header: &Header) -> Option<Candidates> {
        let begun = clock::now();
        let mut now = begun;
        while self.held.is_asking(now) && age(begun, now) < PATIENCE {
            clock::sleep(STEP);
            self.load();
            now = clock::now();
            if let Some(found) = self.fresh(header, now) {
                return Some(found);
            }
        }
        None
    }

    /// That the issuer was asked is kept first: another instance need not ask too, nor this one again if it dies waiting.
    fn ask(&mut self, now: u64) {
        self.held.asked = now;
        self.save();
        match self.source.fetch(&self.issuer) {
            Ok(keys) => {
                self.held.keys = keys;
                self.held.fetched = now;
                self.failure = None;
            }
            Err(error) => {
                log::warn!("the keys of {} cannot be had: {error:?}", self.issuer);
                self.failure = Some(error);
            }
        }
        self.held.ended = clock::now().max(now);
        self.save();
    }

    fn away(&self) -> Error {
        let what = format!("the keys of {} cannot be had", self.issuer);
        match &self.failure {
            Some(error) => error.clone().context(what),
            None => Error::unavailable(format!("{what}; the last try was a moment ago")),
        }
    }

    /// Takes over what another instance knows, if that is newer.
    fn load(&mut self) {
        let Ok(Some(bytes)) = kv::get(&self.place) else { return };
        match serde_json::from_slice::<Held>(&bytes) {
            Ok(held) if held.order() > self.held.order() => self.held = held,
            Ok(_) => {}
            Err(error) => log::warn!("what was kept of the keys of {} is not understood: {error}", self.issuer),
        }
    }

    /// State that is not granted, or away for the moment, only makes more requests to the issuer.
    fn save(&self) {
        let kept = serde_json::to_vec(&self.held).map_err(Error::from).and_then(|bytes| kv::set_for(&self.place, &bytes, KEPT));
        match kept {
            Ok(()) | Err(Error::Denied(_)) => {}
            Err(error) => log::warn!("the keys of {} cannot be kept: {error:?}", self.issuer),
        }
    }
}

impl Held {
    /// What comes later is newer.
    const fn order(&self) -> (u64, u64, u64) {
        (self.asked, self.fetched, self.ended)
    }

    /// Whether an instance is asking the issuer, as far as that can be known.
    fn is_asking(&self, now: u64) -> bool {
        self.ended < self.asked && age(self.asked, now) < ASKING
    }

    fn fitting(&self, header: &Header) -> Candidates {
        let of_algorithm = self.keys.iter().filter(|key| key.algorithm() == header.alg);
        let keys: Vec<Key> = match &header.kid {
            Some(kid) => of_algorithm.filter(|key| key.kid.as_ref() == Some(kid)).take(MOST_TRIED).cloned().collect(),
            // Without a name it has to be clear which one is meant.
            None => of_algorithm.cloned().collect(),
        };
        let is_clear = header.kid.is_some() || keys.len() == 1;
        if keys.is_empty() || !is_clear { Candidates::None } else { Candidates::Keys(keys) }
    }
}

/// Says at the start what goes with not being granted a state.
pub fn warn_without_state() {
    if matches!(kv::get("keys"), Err(Error::Denied(_))) {
        log::warn(
            "no state is granted: each instance asks the issuers for their keys, again and again while one hangs; set `grants.kv = true`",
        );
    }
}

/// Milliseconds since then. What lies in the future was written by a clock that has been set back since, and counts as long ago.
fn age(then: u64, now: u64) -> u64 {
    if then > now.saturating_add(PAUSE) { u64::MAX } else { now.saturating_sub(then) }
}
