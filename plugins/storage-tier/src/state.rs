//! An upload, and where its bytes are.
//!
//! One is begun in both storages. Which of them gets the bytes is said at each `next`, and known to this state only once `written` has
//! returned. In between the host may go down, or the bytes may not arrive: the state stays as it was, and the next `next` may be about
//! other bytes. So before the first byte goes to `large`, what `small` has is made an object there, the *stage*, with no bytes if there are none. While it
//! is there, the upload is a large one whatever this state says, and whatever is in `large` is written over. It ends with the upload.
//!
//! Version (1), where the bytes are (0: in `small`; 1: in `large`), how many there are (8 bytes, little endian), the upload's name and its
//! state in `small`, each after its length (4 bytes), and its state in `large`.

use bulkhead_plugin_sdk::prelude::*;

const VERSION: u8 = 1;
/// What the keys of stages begin with. No other object of such a key is taken.
pub const STAGES: &str = "uploads.tier/";
/// Comes after every stage, whose names are hex digits and hyphens, and before all else.
pub const AFTER_STAGES: &str = "uploads.tier/g";

/// Where an upload's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In `small`, unless there is a stage.
    Small = 0,
    /// In `large`.
    Large = 1,
}

/// As it stands in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Where the bytes are.
    pub place: Place,
    /// How many.
    pub offset: u64,
    /// What the host calls the upload.
    pub name: String,
    /// Its state in `small`; empty where that has nothing more to do with it.
    pub small: Vec<u8>,
    /// Its state in `large`.
    pub large: Vec<u8>,
}

impl State {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a state has at most 64 KiB").to_le_bytes();
        let (name, small) = (self.name.as_bytes(), &self.small[..]);
        let head = [VERSION, self.place as u8];
        [&head[..], &self.offset.to_le_bytes(), &length(name), name, &length(small), small, &self.large].concat()
    }

    /// Reads what [`State::write`] made.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes).or_invalid("this is no state of an upload to tiers")
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let ([version, place], rest) = bytes.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (name, rest) = part(rest)?;
        let (small, large) = part(rest)?;
        let place = match place {
            0 => Place::Small,
            1 => Place::Large,
            _ => return None,
        };
        let name = str::from_utf8(name).ok()?.to_owned();
        let state = Self { place, offset: u64::from_le_bytes(*offset), name, small: small.to_vec(), large: large.to_vec() };
        (*version == VERSION).then_some(state)
    }

    /// The key of the stage.
    pub fn stage(&self) -> String {
        format!("{STAGES}{}", self.name)
    }
}

/// Bytes after their length, and what comes after them.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}
