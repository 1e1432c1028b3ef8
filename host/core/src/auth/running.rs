//! How many logins are being checked at the moment, by whom it counts, and who waits for one of them to end. For the throttle; knows nothing of
//! time.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::buckets::Key;

/// The most who wait for the same.
const MOST_WAITING: u32 = 1_024;

/// The counts. As many as there are logins under way, which `http` bounds.
#[derive(Default)]
pub(super) struct Running(HashMap<Key, Count>);

#[derive(Default)]
struct Count {
    running: u64,
    waiting: u32,
    /// One permit for each that has ended, while somebody waits.
    ended: Arc<Notify>,
}

impl Running {
    /// How many are being checked.
    pub fn count(&self, key: Key) -> u64 {
        self.0.get(&key).map_or(0, |count| count.running)
    }

    /// One more is.
    pub fn begin(&mut self, key: Key) {
        self.0.entry(key).or_default().running += 1;
    }

    /// One has ended: the next one who waits looks again.
    pub fn end(&mut self, key: Key) {
        self.change(key, |count| {
            count.running = count.running.saturating_sub(1);
            count.call();
        });
    }

    /// Somebody will wait for one to end, and must call [`leave`](Self::leave) thereafter. None: too many wait already.
    pub fn wait(&mut self, key: Key) -> Option<Arc<Notify>> {
        let count = self.0.entry(key).or_default();
        if count.waiting >= MOST_WAITING {
            return None;
        }
        count.waiting += 1;
        Some(Arc::clone(&count.ended))
    }

    /// Somebody waits no more.
    pub fn leave(&mut self, key: Key) {
        self.change(key, |count| count.waiting = count.waiting.saturating_sub(1));
    }

    /// Whoever was told that one has ended had no use for it: the next one looks.
    pub fn pass_on(&mut self, key: Key) {
        self.change(key, |count| count.call());
    }

    fn change(&mut self, key: Key, how: impl FnOnce(&mut Count)) {
        let Some(count) = self.0.get_mut(&key) else { return };
        how(count);
        if count.running == 0 && count.waiting == 0 {
            self.0.remove(&key);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Count {
    fn call(&self) {
        if self.waiting > 0 {
            self.ended.notify_one();
        }
    }
}
