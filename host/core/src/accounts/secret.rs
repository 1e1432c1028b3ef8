//! Secrets: how they are made, how long they live, and how one tells which of an account's two it may be.

use std::fmt;
use std::time::Duration;

use crate::ports::accounts::{AccountKind, Slot};
use crate::ports::clock::Timestamp;

use super::ManageError;

/// Letters and digits that nobody takes for another.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// 40 of 56 characters, less the one bit that tells the slot: 231 bits.
const LENGTH: usize = 40;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What a service principal's secret lives unless somebody says otherwise.
const PRINCIPALS_LIFE: Duration = Duration::from_secs(365 * DAY.as_secs());
/// The longest life that can be asked for, besides for ever: ten years.
const LONGEST_LIFE: Duration = Duration::from_secs(3650 * DAY.as_secs());

/// A secret that was just made. This is the one time that anybody sees it: a hash is all that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownSecret {
    /// Which of the account's two it is.
    pub slot: Slot,
    /// 40 letters and digits.
    pub secret: String,
    /// When it ends; none: never.
    pub expires: Option<Timestamp>,
}

impl fmt::Debug for ShownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownSecret").field("slot", &self.slot).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// How long a secret lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretLife {
    /// As is usual for the account: one year for a service principal's, for ever for the others'.
    Usual,
    /// So long: one second to ten years.
    For(Duration),
    /// Until somebody renews or withdraws it.
    Forever,
}

impl SecretLife {
    /// When such a secret of such an account ends; none: never.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] if it is too short or too long.
    pub(super) fn end(self, kind: AccountKind, now: Timestamp) -> Result<Option<Timestamp>, ManageError> {
        match self {
            Self::Forever => Ok(None),
            Self::Usual => match kind {
                AccountKind::ServicePrincipal => Ok(Some(now.after(PRINCIPALS_LIFE))),
                AccountKind::Admin | AccountKind::Token => Ok(None),
            },
            Self::For(life) if (Duration::from_secs(1)..=LONGEST_LIFE).contains(&life) => Ok(Some(now.after(life))),
            Self::For(_) => {
                let most = LONGEST_LIFE.as_secs() / DAY.as_secs();
                Err(ManageError::Invalid(format!("a secret lives for one second to {most} days, or for ever")))
            }
        }
    }
}

/// A new secret for this slot, from the system's secure generator.
pub(super) fn random(slot: Slot) -> String {
    loop {
        let secret: String = (0..LENGTH).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect();
        // Every second one, so it takes two rounds on average.
        if slot_of(&secret) == slot {
            return secret;
        }
    }
}

/// The only slot that may hold this secret, whether or not any account has it: the parity of its bytes' sum. So one hash tells whether a
/// secret is one of an account's two, and as many are computed for an account with two secrets, one or none as for a name that nobody has.
pub(super) fn slot_of(secret: &str) -> Slot {
    let odd = secret.bytes().fold(0, |sum, byte| sum ^ byte) & 1 == 1;
    if odd { Slot::Second } else { Slot::First }
}

/// A new mark for a secret, which tokens carry: 32 hex digits that have nothing to do with it.
pub(super) fn random_id() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
