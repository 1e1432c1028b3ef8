//! An upload's state: where the upload below stands, and what is left of a chunk that is not whole yet. That part is encrypted, since the
//! host keeps states in its database.
//!
//! Version (1), the upload's offset below (8 bytes, little endian), the length of its state there (4 bytes) and that state, then what is left,
//! sealed as a chunk; nothing if nothing is left.

use bulkhead_plugin_sdk::prelude::*;

use crate::chunk::OVERHEAD;
use crate::layout::Layout;

const VERSION: u8 = 1;
/// The most that a host keeps.
const MOST: usize = 64 * 1024;

/// As it stands in the bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// How many bytes the upload below has: whole chunks.
    pub offset: u64,
    /// That upload's own state.
    pub below: &'a [u8],
    /// What is left, sealed.
    pub left: &'a [u8],
}

impl<'a> State<'a> {
    /// As bytes.
    pub fn write(&self) -> Result<Vec<u8>> {
        let length = u32::try_from(self.below.len()).or_internal("the state of the upload below")?;
        let bytes = [&[VERSION], &self.offset.to_le_bytes()[..], &length.to_le_bytes(), self.below, self.left].concat();
        if bytes.len() > MOST {
            let has = bytes.len();
            return Err(Error::internal(format!(
                "the upload's state has {has} bytes, and at most {MOST} are kept: a smaller `chunk-bytes` leaves more for the storage below"
            )));
        }
        Ok(bytes)
    }

    /// Reads what [`State::write`] made for the same layout.
    pub fn read(bytes: &'a [u8], layout: Layout) -> Result<Self> {
        Self::split(bytes)
            .filter(|state| state.left.is_empty() || (OVERHEAD + 1..layout.stored_chunk()).contains(&state.left.len()))
            .filter(|state| state.offset % layout.stored_chunk() as u64 == 0)
            .or_invalid("this is no state of an upload to an encrypted storage with this `chunk-bytes`")
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (below, left) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        (*version == VERSION).then_some(Self { offset: u64::from_le_bytes(*offset), below, left })
    }

    /// The number of the chunk that comes next.
    pub fn chunk(&self, layout: Layout) -> u64 {
        self.offset / layout.stored_chunk() as u64
    }

    /// How many bytes the upload has, as its client counts.
    pub fn plain(&self, layout: Layout) -> u64 {
        self.chunk(layout) * layout.chunk as u64 + self.left.len().saturating_sub(OVERHEAD) as u64
    }
}
