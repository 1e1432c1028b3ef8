//! Token buckets, as many as there are sources and accounts, in bounded memory. For the throttle; knows nothing of logins.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::ports::clock::Timestamp;

/// A bucket's name: part of a SHA-256, so that long names take no more memory.
pub(super) type Key = [u8; 16];

/// The most keys of a map.
pub(super) const MAX_KEYS: usize = 100_000;

/// A map that drops its oldest key when it has too many.
pub(super) struct Bounded<V> {
    values: HashMap<Key, V>,
    /// Each key of `values` once, the oldest first.
    order: VecDeque<Key>,
}

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), order: VecDeque::new() }
    }
}

impl<V: Copy> Bounded<V> {
    pub fn get(&self, key: Key) -> Option<V> {
        self.values.get(&key).copied()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn put(&mut self, key: Key, value: V) {
        if self.values.insert(key, value).is_none() {
            self.order.push_back(key);
            if self.order.len() > MAX_KEYS {
                self.drop_oldest();
            }
        }
    }

    /// Drops the two oldest keys if they are of no more use. Called before each `put`, it keeps the map as small as it can be.
    pub fn tidy(&mut self, useless: impl Fn(V) -> bool) {
        for _ in 0..2 {
            match self.order.front() {
                Some(key) if self.values.get(key).is_none_or(|value| useless(*value)) => self.drop_oldest(),
                _ => return,
            }
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.values.remove(&oldest);
        }
    }
}

/// Buckets of the same capacity. Each is one number: the time, in microseconds since 1970, at which it is full again.
pub(super) struct Buckets {
    /// In microseconds, so long after a unit was taken another one has come.
    interval: u64,
    /// So long until an empty one is full: all its units.
    window: u64,
    full_at: Bounded<u64>,
}

impl Buckets {
    /// Buckets of `capacity` units that fill up within `window`.
    pub fn new(capacity: u32, window: Duration) -> Self {
        let capacity = u64::from(capacity.max(1));
        let interval = (micros(window) / capacity).max(1);
        Self { interval, window: interval.saturating_mul(capacity), full_at: Bounded::default() }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.full_at.len()
    }

    /// How long until a unit can be taken; nothing: now.
    pub fn wait(&self, key: Key, now: Timestamp) -> Duration {
        let now = of(now);
        let after = self.full_at.get(key).unwrap_or(0).max(now).saturating_add(self.interval);
        Duration::from_micros(after.saturating_sub(now).saturating_sub(self.window))
    }

    /// How many units can be taken now.
    pub fn left(&self, key: Key, now: Timestamp) -> u64 {
        let now = of(now);
        let taken_for = self.full_at.get(key).unwrap_or(0).saturating_sub(now);
        self.window.saturating_sub(taken_for) / self.interval
    }

    /// Takes a unit. The caller has seen that there is one.
    pub fn take(&mut self, key: Key, now: Timestamp) {
        let now = of(now);
        self.full_at.tidy(|full_at| full_at <= now);
        let full_at = self.full_at.get(key).unwrap_or(0).max(now).saturating_add(self.interval);
        self.full_at.put(key, full_at);
    }
}

const fn of(at: Timestamp) -> u64 {
    at.0.saturating_mul(1000)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
