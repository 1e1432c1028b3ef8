//! Moves bytes between sockets, files and guests. It verifies what it is told to verify and decides nothing.
//!
//! Files are read and written on the blocking pool, a large piece at a time with one piece ahead, so that neither a slow disk nor a slow
//! client holds a thread, and memory does not grow with the size of a blob. Called by the guard alone.

pub mod buffers;
pub mod read;
pub mod source;
pub mod write;

#[cfg(test)]
mod tests;

/// Bytes that are moved at once.
pub const PIECE: usize = 512 * 1024;
/// What is moved at once for a client that takes its time, and for everybody first.
pub const SMALL_PIECE: usize = 64 * 1024;

/// A job on the blocking pool that did not come back.
pub fn lost(error: &tokio::task::JoinError) -> std::io::Error {
    std::io::Error::other(format!("the blocking job ended: {error}"))
}
