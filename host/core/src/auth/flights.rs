//! The same question asked by several at the same moment is asked once: one leads, the others wait for its answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::remember::CredentialId;

/// The questions that are being asked. As many as there are requests at the moment, which `http` bounds.
pub(super) struct Flights<T> {
    open: Mutex<HashMap<CredentialId, watch::Receiver<Option<T>>>>,
}

/// What somebody who asks is to do.
pub(super) enum Seat<'a, T> {
    /// Ask, and tell the others.
    Leads(Flight<'a, T>),
    /// Wait for the one who asks.
    Follows(Wait<T>),
}

/// A question that is being asked by whoever holds this. Dropped before it has landed (its client went away), the next one asks.
pub(super) struct Flight<'a, T> {
    flights: &'a Flights<T>,
    id: CredentialId,
    answer: watch::Sender<Option<T>>,
}

/// See [`Seat::Follows`].
pub(super) struct Wait<T>(watch::Receiver<Option<T>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { open: Mutex::new(HashMap::new()) }
    }
}

impl<T: Clone> Flights<T> {
    pub fn join(&self, id: CredentialId) -> Seat<'_, T> {
        let mut open = self.lock();
        if let Some(flight) = open.get(&id) {
            return Seat::Follows(Wait(flight.clone()));
        }
        let (answer, wait) = watch::channel(None);
        open.insert(id, wait);
        Seat::Leads(Flight { flights: self, id, answer })
    }
}

impl<T> Flights<T> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CredentialId, watch::Receiver<Option<T>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Flight<'_, T> {
    /// Tells those who wait.
    pub fn land(self, answer: T) {
        self.answer.send_replace(Some(answer));
    }
}

impl<T> Drop for Flight<'_, T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.id);
    }
}

impl<T: Clone> Wait<T> {
    /// None: whoever asked has gone, and nobody knows.
    pub async fn landed(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}
