//! How many logins may fail: from one source as one account, from one source, and as one account over all sources.
//!
//! A unit is taken before anybody is asked, and given back when the login was right or when nobody could say. So an attempt whose client
//! goes away in the middle counts. Shared by the gates of a host; accounts of one registry are never those of another. What is kept is
//! bounded: the oldest is dropped.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::buckets::{Bounded, Buckets, Key};
use crate::ports::clock::{Clock, Timestamp};
use crate::ports::ids::RegistryName;

/// As an account, over all sources, so many times more may fail than from one source.
const ACCOUNT_FACTOR: u32 = 10;
/// For so long a source that logged in as an account is not held up by others who fail to.
const PROVEN: Duration = Duration::from_secs(60 * 60);
/// A source's refused attempts are told of once in so long.
const TOLD: Duration = Duration::from_secs(60);

/// How much may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// From one source as one account, at once; over all sources ten times as many. At least 1.
    pub per_account: u32,
    /// From one source (an IPv4 address, or the first 64 bits of an IPv6 address), at once. At least 1.
    pub per_source: u32,
    /// In so long all of it may fail once more; one unit comes back after the other.
    pub window: Duration,
    /// A rejected password is answered so long after it came, or later.
    pub answer_after: Duration,
}

impl Default for ThrottleOptions {
    fn default() -> Self {
        Self { per_account: 10, per_source: 60, window: Duration::from_secs(60), answer_after: Duration::from_millis(500) }
    }
}

/// Counts failed logins.
pub struct Throttle {
    options: ThrottleOptions,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// Each under a lock for a few map operations, never across a wait.
struct State {
    pairs: Buckets,
    sources: Buckets,
    accounts: Buckets,
    /// Until when a source is known to know an account's secret.
    proven: Bounded<Timestamp>,
    /// Until when no more is told of a source.
    told: Bounded<Timestamp>,
}

/// Who tries, as far as it counts.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    source: Key,
    source_here: Key,
    account: Option<AccountKeys>,
}

#[derive(Clone, Copy)]
struct AccountKeys {
    anywhere: Key,
    from_there: Key,
}

/// The units of an attempt that are taken.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    attempt: Attempt,
    /// None where the source is proven.
    anywhere: Option<Key>,
}

/// Nobody is asked for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// Whole seconds, at least one.
    pub retry_after: Duration,
    /// Whether it is the first one of this source at this registry for a while.
    pub first: bool,
}

impl Attempt {
    /// An attempt from this source, as this account where a name is claimed.
    pub fn of(registry: &RegistryName, source: IpAddr, account: Option<&str>) -> Self {
        let network = network(source);
        let account = account.map(|name| {
            // A plugin may hold names alike that differ in case.
            let name = name.to_lowercase();
            AccountKeys {
                anywhere: key(&[registry.as_str().as_bytes(), name.as_bytes()]),
                from_there: key(&[registry.as_str().as_bytes(), name.as_bytes(), &network]),
            }
        });
        Self { source: key(&[&network]), source_here: key(&[registry.as_str().as_bytes(), &network]), account }
    }
}

impl Throttle {
    /// Nothing has failed yet.
    pub fn new(options: ThrottleOptions, clock: Arc<dyn Clock>) -> Self {
        let buckets = |capacity: u32| Buckets::new(capacity, options.window);
        let state = State {
            pairs: buckets(options.per_account),
            sources: buckets(options.per_source),
            accounts: buckets(options.per_account.saturating_mul(ACCOUNT_FACTOR)),
            proven: Bounded::default(),
            told: Bounded::default(),
        };
        Self { options, clock, state: Mutex::new(state) }
    }

    /// A rejected password is answered so long after it came, or later.
    pub(super) const fn answer_after(&self) -> Duration {
        self.options.answer_after
    }

    /// Takes a unit of each bucket, or none of any.
    pub(super) fn take(&self, attempt: Attempt) -> Result<Taken, Throttled> {
        let now = self.clock.now();
        let state = &mut *self.lock();
        let anywhere = attempt.account.filter(|account| !state.is_proven(*account, now)).map(|account| account.anywhere);
        let wait = state.wait(attempt, anywhere, now);
        if !wait.is_zero() {
            let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
            return Err(Throttled { retry_after: Duration::from_secs(seconds), first: state.tell(attempt, now) });
        }
        state.sources.take(attempt.source, now);
        if let Some(account) = attempt.account {
            state.pairs.take(account.from_there, now);
        }
        if let Some(anywhere) = anywhere {
            state.accounts.take(anywhere, now);
        }
        Ok(Taken { attempt, anywhere })
    }

    /// The login was right: its units come back, and the source has shown that it knows the account's secret.
    pub(super) fn right(&self, taken: Taken) {
        let now = self.clock.now();
        let state = &mut *self.lock();
        state.give_back(taken);
        if let Some(account) = taken.attempt.account {
            state.proven.tidy(|until| until <= now);
            state.proven.put(account.from_there, now.after(PROVEN));
        }
    }

    /// Nobody could say whether it was right: its units come back.
    pub(super) fn unknown(&self, taken: Taken) {
        self.lock().give_back(taken);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_proven(&self, account: AccountKeys, now: Timestamp) -> bool {
        self.proven.get(account.from_there).is_some_and(|until| now < until)
    }

    /// How long until each of the buckets has a unit.
    fn wait(&self, attempt: Attempt, anywhere: Option<Key>, now: Timestamp) -> Duration {
        let pair = attempt.account.map(|account| self.pairs.wait(account.from_there, now));
        let anywhere = anywhere.map(|key| self.accounts.wait(key, now));
        self.sources.wait(attempt.source, now).max(pair.unwrap_or_default()).max(anywhere.unwrap_or_default())
    }

    /// Whether this refusal is to be told of.
    fn tell(&mut self, attempt: Attempt, now: Timestamp) -> bool {
        let first = self.told.get(attempt.source_here).is_none_or(|until| until <= now);
        if first {
            self.told.tidy(|until| until <= now);
            self.told.put(attempt.source_here, now.after(TOLD));
        }
        first
    }

    fn give_back(&mut self, taken: Taken) {
        self.sources.give_back(taken.attempt.source);
        if let Some(account) = taken.attempt.account {
            self.pairs.give_back(account.from_there);
        }
        if let Some(anywhere) = taken.anywhere {
            self.accounts.give_back(anywhere);
        }
    }
}

/// What one customer usually has: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(source: IpAddr) -> [u8; 8] {
    match source.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            // No IPv6 network: those are not longer than this, and `::/64` holds nobody's address but the host's own.
            [0, 0, 0, 0, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let mut network = [0; 8];
            network.copy_from_slice(&address.octets()[..8]);
            network
        }
    }
}

fn key(parts: &[&[u8]]) -> Key {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize()[..16]);
    key
}
