//! One behaviour a file. Each does one thing otherwise than the honest storage.

use bulkhead_plugin_sdk::prelude::*;

use crate::disk::Disk;

mod big_state;
mod escape;
mod escape_sink;
mod honest;
mod honest_pieces;
mod lies_bytes;
mod lies_commit;
mod lies_last_byte;
mod lies_order;
mod lies_size;
mod long_bytes;
mod loop_in_open;
mod panic_in_commit;
mod short_pieces;

/// What a hostile storage does. By default what the honest one does.
pub trait Behaviour {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        disk.open(key, range)
    }

    fn stat(&self, disk: &mut Disk, key: &str) -> Result<Option<ObjectInfo>> {
        disk.stat(key)
    }

    fn list(&self, disk: &mut Disk, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        disk.list(prefix, after, limit)
    }

    /// What becomes of an upload's state. Spaces at its end are taken off again.
    fn wrap(&self, state: Vec<u8>) -> Vec<u8> {
        state
    }

    fn next(&self, disk: &mut Disk, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink> {
        disk.next(state, offset, length)
    }

    fn commit(&self, disk: &mut Disk, state: &[u8], key: &str) -> Result<Progress> {
        disk.commit(state, key)
    }
}

/// The behaviour of that name.
pub fn find(name: &str, root: &str, path: Option<String>) -> Result<Box<dyn Behaviour>> {
    let at = |default: String| path.unwrap_or(default);
    Ok(match name {
        "honest" => Box::new(honest::Honest),
        "honest-pieces" => Box::new(honest_pieces::HonestPieces),
        "escape" => Box::new(escape::Escape { path: at("../../etc/passwd".to_owned()) }),
        "escape-link" => Box::new(escape::Escape { path: at(format!("{root}/link/passwd")) }),
        "escape-sink" => Box::new(escape_sink::EscapeSink { path: at("../../tmp/bulkhead-escaped".to_owned()) }),
        "lies-bytes" => Box::new(lies_bytes::LiesBytes),
        "lies-last-byte" => Box::new(lies_last_byte::LiesLastByte),
        "short-pieces" => Box::new(short_pieces::ShortPieces),
        "long-bytes" => Box::new(long_bytes::LongBytes),
        "lies-size" => Box::new(lies_size::LiesSize),
        "lies-order" => Box::new(lies_order::LiesOrder),
        "lies-commit" => Box::new(lies_commit::LiesCommit),
        "loop-in-open" => Box::new(loop_in_open::LoopInOpen),
        "panic-in-commit" => Box::new(panic_in_commit::PanicInCommit),
        "big-state" => Box::new(big_state::BigState),
        other => return Err(Error::invalid(format!("behaviour: there is no `{other}`"))),
    })
}

/// The bytes of an object, or of a range of it, as the honest storage has them. For objects of at most 16 MiB.
fn honest_bytes(disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Vec<u8>> {
    let Source::File(slice) = disk.open(key, None)? else { return Err(Error::internal("the honest storage names a file")) };
    let whole = files::read(&slice.path, 16 * 1024 * 1024)?;
    let Some(ByteRange { offset, length }) = range else { return Ok(whole) };
    let end = offset.checked_add(length).filter(|end| *end <= whole.len() as u64).or_invalid("the range is past the end")?;
    Ok(whole[offset as usize..end as usize].to_vec())
}

/// The beginning of what was asked for, so that the host has to ask for the rest.
fn piece_of(disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Vec<u8>> {
    let mut bytes = honest_bytes(disk, key, range)?;
    bytes.truncate(64 * 1024);
    Ok(bytes)
}

/// The object's size.
fn size_of(disk: &mut Disk, key: &str) -> Result<u64> {
    Ok(disk.stat(key)?.ok_or(Error::NotFound)?.size)
}
