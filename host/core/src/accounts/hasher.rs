//! Hashes secrets with argon2id, on threads where nobody else waits, and never more of them at once than there are cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The least that OWASP's password storage cheat sheet asks for: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash of no secret, checked where there is none to check, so that it takes as long. An output of zeros has no known secret; and it counts as
/// wrong whatever is computed.
const OF_NOTHING: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many may wait for each core: about what is done in that time.
const WAITING: usize = 400;

/// Why nothing was hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// More wait than can have their turn soon.
    #[error("too many secrets wait to be hashed: try again later")]
    Busy,
    /// It cannot be done: no memory, or what is kept is no hash. For the log.
    #[error("{0}")]
    Failed(String),
}

/// Hashes secrets and compares them with hashes. One for the whole host.
pub struct Hasher {
    /// One for each core.
    turns: Arc<Semaphore>,
    /// For those that wait, and those whose turn it is.
    places: Semaphore,
    patience: Duration,
    hashes: Arc<AtomicU64>,
}

impl Hasher {
    /// For so many at once; at least one.
    pub fn new(cores: usize) -> Self {
        Self::patient(cores, PATIENCE)
    }

    /// The same, with another patience.
    pub(super) fn patient(cores: usize, patience: Duration) -> Self {
        let cores = cores.max(1);
        Self {
            turns: Arc::new(Semaphore::new(cores)),
            places: Semaphore::new(cores.saturating_mul(WAITING + 1)),
            patience,
            hashes: Arc::default(),
        }
    }

    /// How many hashes were computed so far, to make and to compare.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// A new hash, in PHC form, with a salt of its own.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, secret: &str) -> Result<String, HashError> {
        let secret = secret.to_owned();
        self.run(move || {
            let hash = argon2()?.hash_password(secret.as_bytes()).map_err(|error| HashError::Failed(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether this secret has that hash. Without a hash it has not, which takes as long to say.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(&self, hash: Option<&str>, secret: &str) -> Result<bool, HashError> {
        let (known, hash, secret) = (hash.is_some(), hash.unwrap_or(OF_NOTHING).to_owned(), secret.to_owned());
        self.run(move || {
            let parsed =
                PasswordHash::new(&hash).map_err(|error| HashError::Failed(format!("what is kept is no hash: {error}")))?;
            match argon2()?.verify_password(secret.as_bytes(), &parsed) {
                Ok(()) => Ok(known),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(HashError::Failed(error.to_string())),
            }
        })
        .await
    }

    /// Does this when it is its turn. It is done to its end, and holds its turn so long, even if the caller goes away.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.places.try_acquire().map_err(|_| HashError::Busy)?;
        let turn = self.turn().await?;
        let hashes = Arc::clone(&self.hashes);
        let ended = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            hashes.fetch_add(1, Ordering::Relaxed);
            work()
        });
        ended.await.unwrap_or_else(|error| Err(HashError::Failed(format!("hashing ended early: {error}"))))
    }

    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, HashError> {
        let turn = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        turn.map_err(|_| HashError::Busy)?.map_err(|_| HashError::Busy)
    }
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| HashError::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
