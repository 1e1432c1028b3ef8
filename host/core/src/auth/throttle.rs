//! How many logins may fail: from one source as one account, from one source, and as one account over all sources.
//!
//! A login that was wrong is counted, and so is one whose client goes away before the answer; a right one is not, nor one of which nobody could
//! say. No more are looked at at the same time than may still fail, so that guessing at once gains nothing. What is beyond that waits
//! for a while, since most of what comes at once is right: only where as many have failed as may is a login refused unseen. Shared by
//! the gates of a host; accounts of one registry are never those of another. What is kept is bounded: the oldest is dropped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::attempt::{AccountKeys, Attempt};
use super::buckets::{Bounded, Buckets, Key};
use super::running::Running;
use crate::ports::clock::{Clock, Timestamp};

/// As an account, over all sources, so many times more may fail than from one source.
const ACCOUNT_FACTOR: u32 = 10;
/// For so long a source that logged in as an account is not held up by others who fail to.
const PROVEN: Duration = Duration::from_secs(60 * 60);
/// A source's refused attempts are told of once in so long, and so is that wrong passwords take long.
const TOLD: Duration = Duration::from_secs(60);
/// So long a login waits for others to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// When to come back where others were in the way, who may have ended any moment.
const SOON: Duration = Duration::from_secs(1);

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
    running: Running,
    /// Until when a source is known to know an account's secret.
    proven: Bounded<Timestamp>,
    /// Until when no more is told of a source.
    told: Bounded<Timestamp>,
    /// Until when no more is told of checks that take long.
    told_of_time: Timestamp,
}

/// By what an attempt counts.
#[derive(Clone, Copy)]
struct Counted {
    source: Key,
    pair: Option<Key>,
    /// None where the source is proven.
    anywhere: Option<Key>,
}

/// An attempt that is being looked at. Dropped without a word of how it ended, it was a wrong one.
pub(super) struct Admitted<'a> {
    throttle: &'a Throttle,
    counted: Counted,
    ending: Ending,
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Wrong,
    Right,
    Unknown,
}

/// Why an attempt is not looked at yet.
enum Held {
    /// So many failed that none is for so long.
    Spent(Duration),
    /// As many are looked at as may still fail, by this count.
    Full(Key),
}

/// Who waits for others to end, and is counted as long as this is there.
struct Place<'a> {
    throttle: &'a Throttle,
    key: Key,
    ended: Arc<Notify>,
}

/// Why nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Too many failed.
    Failed,
    /// Too many are under way, and did not end in time.
    Busy,
}

/// Nobody is asked for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// Whole seconds, at least one.
    pub retry_after: Duration,
    pub cause: Cause,
    /// Whether it is the first one of this source at this registry for a while.
    pub first: bool,
}

impl Throttle {
    /// Nothing has failed yet.
    pub fn new(options: ThrottleOptions, clock: Arc<dyn Clock>) -> Self {
        let buckets = |capacity: u32| Buckets::new(capacity, options.window);
        let state = State {
            pairs: buckets(options.per_account),
            sources: buckets(options.per_source),
            accounts: buckets(options.per_account.saturating_mul(ACCOUNT_FACTOR)),
            running: Running::default(),
            proven: Bounded::default(),
            told: Bounded::default(),
            told_of_time: Timestamp(0),
        };
        Self { options, clock, state: Mutex::new(state) }
    }

    /// A rejected password is answered so long after it came, or later.
    pub(super) const fn answer_after(&self) -> Duration {
        self.options.answer_after
    }

    /// Whether it is to be said that a wrong password took this long to be found out: longer than answers are held back for, so that the
    /// time of the answer tells something. Not too often; and never where nothing is held back.
    pub(super) fn tells_of_time(&self, took: Duration) -> bool {
        if self.options.answer_after.is_zero() || took <= self.options.answer_after {
            return false;
        }
        let now = self.clock.now();
        let state = &mut *self.lock();
        let first = state.told_of_time <= now;
        if first {
            state.told_of_time = now.after(TOLD);
        }
        first
    }

    /// Lets an attempt be looked at, at once or when others have ended.
    pub(super) async fn admit(&self, attempt: Attempt) -> Result<Admitted<'_>, Throttled> {
        let key = match self.try_to(attempt) {
            Ok(admitted) => return Ok(admitted),
            Err(Held::Spent(wait)) => return Err(self.refuse(attempt, Cause::Failed, wait)),
            Err(Held::Full(key)) => key,
        };
        tokio::select! {
            biased;
            admitted = self.queue(attempt, key) => admitted,
            () = self.clock.sleep(PATIENCE) => Err(self.refuse(attempt, Cause::Busy, SOON)),
        }
    }

    /// Waits where it is full, by whatever count that is at the time.
    async fn queue(&self, attempt: Attempt, mut key: Key) -> Result<Admitted<'_>, Throttled> {
        loop {
            let place = self.place(key).ok_or_else(|| self.refuse(attempt, Cause::Busy, SOON))?;
            let held = loop {
                place.ended.notified().await;
                match self.try_to(attempt) {
                    Ok(admitted) => return Ok(admitted),
                    Err(Held::Full(full)) if full == key => {}
                    Err(held) => break held,
                }
            };
            drop(place);
            self.lock().running.pass_on(key);
            match held {
                Held::Spent(wait) => return Err(self.refuse(attempt, Cause::Failed, wait)),
                Held::Full(full) => key = full,
            }
        }
    }

    fn try_to(&self, attempt: Attempt) -> Result<Admitted<'_>, Held> {
        let now = self.clock.now();
        let counted = self.lock().begin(attempt, now)?;
        Ok(Admitted { throttle: self, counted, ending: Ending::Wrong })
    }

    fn place(&self, key: Key) -> Option<Place<'_>> {
        let ended = self.lock().running.wait(key)?;
        Some(Place { throttle: self, key, ended })
    }

    fn refuse(&self, attempt: Attempt, cause: Cause, wait: Duration) -> Throttled {
        let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
        let first = self.lock().tell(attempt, self.clock.now());
        Throttled { retry_after: Duration::from_secs(seconds), cause, first }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_proven(&self, account: AccountKeys, now: Timestamp) -> bool {
        self.proven.get(account.from_there).is_some_and(|until| now < until)
    }

    /// One more is being looked at, or none by any count.
    fn begin(&mut self, attempt: Attempt, now: Timestamp) -> Result<Counted, Held> {
        let anywhere = attempt.account.filter(|account| !self.is_proven(*account, now)).map(|account| account.anywhere);
        let counted = Counted { source: attempt.source, pair: attempt.account.map(|account| account.from_there), anywhere };
        let left: Vec<(Key, u64)> = self.buckets(counted).map(|(buckets, key)| (key, buckets.left(key, now))).collect();
        if left.iter().any(|(_, left)| *left == 0) {
            let wait = self.buckets(counted).map(|(buckets, key)| buckets.wait(key, now)).max().unwrap_or_default();
            return Err(Held::Spent(wait));
        }
        if let Some((key, _)) = left.iter().find(|(key, left)| self.running.count(*key) >= *left) {
            return Err(Held::Full(*key));
        }
        left.iter().for_each(|(key, _)| self.running.begin(*key));
        Ok(counted)
    }

    /// It has ended, and who waits for that may look again.
    fn end(&mut self, counted: Counted, ending: Ending, now: Timestamp) {
        let Counted { source, pair, anywhere } = counted;
        match ending {
            Ending::Wrong => {
                self.sources.take(source, now);
                pair.into_iter().for_each(|key| self.pairs.take(key, now));
                anywhere.into_iter().for_each(|key| self.accounts.take(key, now));
            }
            Ending::Right => {
                if let Some(pair) = pair {
                    self.proven.tidy(|until| until <= now);
                    self.proven.put(pair, now.after(PROVEN));
                }
            }
            Ending::Unknown => {}
        }
        [Some(source), pair, anywhere].into_iter().flatten().for_each(|key| self.running.end(key));
    }

    /// The buckets that it counts in, each with its key.
    fn buckets(&self, counted: Counted) -> impl Iterator<Item = (&Buckets, Key)> {
        let Counted { source, pair, anywhere } = counted;
        let pair = pair.map(|key| (&self.pairs, key));
        let anywhere = anywhere.map(|key| (&self.accounts, key));
        std::iter::once((&self.sources, source)).chain(pair).chain(anywhere)
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
}

impl Admitted<'_> {
    /// The login was right: it costs nothing, and the source has shown that it knows the account's secret.
    pub(super) fn right(mut self) {
        self.ending = Ending::Right;
    }

    /// Nobody could say whether it was right: it costs nothing.
    pub(super) fn unknown(mut self) {
        self.ending = Ending::Unknown;
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let now = self.throttle.clock.now();
        self.throttle.lock().end(self.counted, self.ending, now);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.throttle.lock().running.leave(self.key);
    }
}
