//! The state of an upload: what of it lies in its staging blob, and how.
//!
//! An upload that is done in one part smaller than a block is that blob as a whole; any other is a list of blocks. A block's id has
//! the block's number and three random bytes, so that a block which a stale writer sends late is another one than the block that was
//! acknowledged, and never replaces it. Where one sends a short first part late, the commit fails, since it is for the version of the
//! blob that was acknowledged. The host keeps the state, in at most 64 KiB: it has those three bytes of each block, and blocks grow
//! with their number, so that an upload of 1 TiB fits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_plugin_sdk::prelude::*;

use crate::settings::MOST_PART;

/// The first byte of a state.
const FORMAT: u8 = 1;
/// The random bytes of a block's id.
const NONCE: usize = 3;
/// So many nonces fit into a state.
pub const MOST_BLOCKS: usize = 21_000;
/// After so many blocks their size doubles.
const GROWS: usize = 512;

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// What has come of it.
    pub staged: Staged,
}

/// How an upload's bytes lie in its staging blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staged {
    /// There is no such blob yet.
    Nothing,
    /// They are the blob, in this version, and may become the beginning of the first block.
    Whole(u64, String),
    /// They are uncommitted blocks of it.
    Blocks(Vec<[u8; NONCE]>),
    /// They are the blob, in this version, and no more can follow.
    Sealed(String),
}

impl Upload {
    /// A new one.
    pub fn new(id: &str) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(is_plain) {
            let text = format!("`{}` is no upload's id: 1 to 128 letters, digits, `-` and `_`", id.escape_debug());
            return Err(Error::invalid(text));
        }
        Ok(Self { id: id.to_owned(), staged: Staged::Nothing })
    }

    /// The same with other bytes.
    pub fn with(self, staged: Staged) -> Self {
        Self { staged, ..self }
    }

    /// What the host keeps.
    pub fn state(&self) -> Vec<u8> {
        let mut state = vec![FORMAT, self.id.len() as u8];
        state.extend_from_slice(self.id.as_bytes());
        match &self.staged {
            Staged::Nothing => state.push(b'n'),
            Staged::Whole(length, version) => {
                state.push(b'w');
                state.extend_from_slice(&length.to_be_bytes());
                state.extend_from_slice(version.as_bytes());
            }
            Staged::Blocks(nonces) => {
                state.push(b'b');
                state.extend(nonces.as_flattened());
            }
            Staged::Sealed(version) => {
                state.push(b's');
                state.extend_from_slice(version.as_bytes());
            }
        }
        state
    }

    /// The inverse of [`Upload::state`].
    pub fn parse(state: &[u8]) -> Result<Self> {
        Self::try_parse(state).or_invalid("this is not the state of an upload of this plugin")
    }

    fn try_parse(state: &[u8]) -> Option<Self> {
        let rest = state.strip_prefix(&[FORMAT])?;
        let (&length, rest) = rest.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(length))?;
        let (kind, rest) = rest.split_first()?;
        let staged = match kind {
            b'n' if rest.is_empty() => Staged::Nothing,
            b'w' => {
                let (length, version) = rest.split_first_chunk()?;
                Staged::Whole(u64::from_be_bytes(*length), parse_version(version)?)
            }
            b'b' => match rest.as_chunks() {
                (nonces, []) if (1..=MOST_BLOCKS).contains(&nonces.len()) => Staged::Blocks(nonces.to_vec()),
                _ => return None,
            },
            b's' => Staged::Sealed(parse_version(rest)?),
            _ => return None,
        };
        Some(Self::new(str::from_utf8(id).ok()?).ok()?.with(staged))
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        if let Staged::Blocks(nonces) = &self.staged { nonces.len() } else { 0 }
    }

    /// How many bytes the next block has, where the first one has so many.
    pub fn part(&self, first: u64) -> u64 {
        let doublings = (self.blocks() / GROWS).min(6) as u32;
        (first << doublings).min(MOST_PART)
    }

    /// A new id for the next block.
    pub fn next_block(&self) -> String {
        block_id(self.blocks(), random::array())
    }

    /// The nonce of the next block, from its id.
    pub fn nonce(&self, id: &str) -> Option<[u8; NONCE]> {
        let plain = STANDARD.decode(id).ok()?;
        let hex = str::from_utf8(&plain).ok()?.get(6..)?;
        let number = u32::from_str_radix(hex, 16).ok()?;
        let [_, nonce @ ..] = number.to_be_bytes();
        (block_id(self.blocks(), nonce) == id).then_some(nonce)
    }

    /// The body of the request that makes the blocks the blob.
    pub fn block_list(&self) -> String {
        let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        if let Staged::Blocks(nonces) = &self.staged {
            for (number, nonce) in nonces.iter().enumerate() {
                // Not only uncommitted ones: the same list may be sent again.
                list.push_str(&format!("<Latest>{}</Latest>", block_id(number, *nonce)));
            }
        }
        list + "</BlockList>"
    }
}

/// All ids of a blob have to be of one length; this one needs no encoding in a URL, either.
fn block_id(number: usize, [a, b, c]: [u8; NONCE]) -> String {
    STANDARD.encode(format!("{number:05}-{a:02x}{b:02x}{c:02x}"))
}

fn parse_version(bytes: &[u8]) -> Option<String> {
    let is_version = (1..=256).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    is_version.then(|| String::from_utf8_lossy(bytes).into_owned())
}
