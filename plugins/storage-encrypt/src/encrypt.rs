//! The storage: sizes and places are translated, bytes encrypted and decrypted, all else is the storage's below.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{BelowReceipt, BelowSlice, BelowUpload, Decoded, Encoded, Encoding};

use crate::chunk::{self, Purpose, Random};
use crate::cipher;
use crate::keys::Keys;
use crate::layout::Layout;
use crate::state::State;

/// What the host calls the one storage that `over` names.
pub const LAYER: &str = "below";

/// What is left over between two calls, and kept in a state, has a bound: 32 KiB.
const CHUNKS: std::ops::RangeInclusive<usize> = 1024..=32 * 1024;

/// An encrypting layer.
pub struct Encrypt {
    keys: Keys,
    layout: Layout,
}

/// The plugin's `config` table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    key: String,
    #[serde(default)]
    previous_keys: Vec<String>,
    #[serde(default = "default_chunk")]
    chunk_bytes: usize,
}

fn default_chunk() -> usize {
    *CHUNKS.end()
}

impl Encrypt {
    /// As the object is for clients.
    fn plain_info(&self, stored: ObjectInfo) -> Result<ObjectInfo> {
        let size = self.layout.plain(stored.size).ok_or_else(|| {
            let ObjectInfo { key, size, .. } = &stored;
            Error::internal(format!("`{key}` has {size} bytes below, as no encrypted object of this `chunk-bytes` has"))
        })?;
        Ok(ObjectInfo { size, ..stored })
    }

    /// What an upload has of a chunk that is not whole yet.
    fn left(&mut self, state: &State<'_>) -> Result<Vec<u8>> {
        let mut left = Vec::new();
        if !state.left.is_empty() {
            chunk::open(&mut self.keys, Purpose::State, state.chunk(self.layout), state.left, &mut left)?;
        }
        Ok(left)
    }

    /// Puts what is left as the object's last chunk, if anything is; returns the upload's state below.
    fn finish(&mut self, state: &State<'_>) -> Result<Vec<u8>> {
        let left = self.left(state)?;
        if left.is_empty() {
            return Ok(state.below.to_vec());
        }
        let mut last = Vec::with_capacity(self.layout.stored_chunk());
        // It may have been asked before, and the chunk be there already: the same bytes under another nonce take its place.
        chunk::seal(self.keys.current(), &random::array(), Purpose::Object, state.chunk(self.layout), &left, &mut last);
        below::append(LAYER, state.below, state.offset, &last)
    }
}

impl Plugin for Encrypt {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let Settings { key, previous_keys, chunk_bytes } = settings;
        if !CHUNKS.contains(&chunk_bytes) {
            let (least, most) = (CHUNKS.start(), CHUNKS.end());
            return Err(Error::invalid(format!("chunk-bytes: {chunk_bytes} must be from {least} to {most}")));
        }
        cipher::check()?;
        Ok(Self { keys: Keys::new(key, previous_keys)?, layout: Layout { chunk: chunk_bytes } })
    }
}

impl Storage for Encrypt {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let layout = self.layout;
        let decoded = |range, skip, first: u64| {
            let from = BelowSlice::of(LAYER, key, range);
            Source::Decoded(Decoded { from, piece: layout.stored_piece(), skip, context: first.to_le_bytes().to_vec() })
        };
        let Some(ByteRange { offset, length }) = range else { return Ok(decoded(None, 0, 0)) };
        let info = self.stat(key)?.ok_or(Error::NotFound)?;
        let Some(end) = offset.checked_add(length).filter(|end| *end <= info.size) else {
            return Err(Error::invalid(format!("{length} bytes from {offset} on: `{key}` has {}", info.size)));
        };
        if length == 0 {
            return Ok(Source::Bytes(Vec::new()));
        }
        let chunk = layout.chunk as u64;
        let first = offset / chunk;
        let last = (end.div_ceil(chunk) * chunk).min(info.size);
        let (from, to) = (layout.stored(first * chunk), layout.stored(last));
        Ok(decoded(Some(ByteRange { offset: from, length: to - from }), offset - first * chunk, first))
    }

    fn decode(&mut self, context: &[u8], offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let first = u64::from_le_bytes(context.try_into().or_invalid("this is no context of a read")?);
        let first = first + self.layout.stored_chunk_at(offset)?;
        let mut plain = Vec::with_capacity(bytes.len());
        for (number, chunk) in (first..).zip(bytes.chunks(self.layout.stored_chunk())) {
            chunk::open(&mut self.keys, Purpose::Object, number, chunk, &mut plain)?;
        }
        Ok(plain)
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        below::stat(LAYER, key)?.map(|stored| self.plain_info(stored)).transpose()
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        below::delete(LAYER, keys)
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        below::list(LAYER, prefix, after, limit)?.into_iter().map(|stored| self.plain_info(stored)).collect()
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        State { offset: 0, below: &below::begin(LAYER, upload)?, left: &[] }.write()
    }

    fn next(&mut self, state: &[u8], offset: u64, _length: Option<u64>) -> Result<Sink> {
        let state = State::read(state, self.layout)?;
        let has = state.plain(self.layout);
        if offset != has {
            return Err(Error::invalid(format!("the bytes from {offset} on: the upload has {has}")));
        }
        let into =
            BelowUpload { layer: LAYER.to_owned(), state: state.below.to_vec(), offset: state.offset, most: None, head: None };
        let random: Random = random::array();
        let carry = self.left(&state)?;
        Ok(Sink::Encoded(Encoded { into, piece: self.layout.plain_piece(), context: random.to_vec(), carry }))
    }

    fn encode(&mut self, context: &[u8], offset: u64, carry: Vec<u8>, bytes: Vec<u8>) -> Result<Encoding> {
        let random: Random = context.try_into().or_invalid("this is no context of an upload")?;
        let size = self.layout.chunk;
        let start = offset.checked_sub(carry.len() as u64).or_invalid("more was left over than there was")?;
        let mut number = self.layout.chunk_at(start)?;
        let mut sealed = Vec::with_capacity((carry.len() + bytes.len()) / size * self.layout.stored_chunk());
        let known = self.keys.current();
        let mut put = |plain: &[u8]| {
            chunk::seal(known, &random, Purpose::Object, number, plain, &mut sealed);
            number += 1;
        };
        let mut first = carry;
        let mut rest = &bytes[..];
        if !first.is_empty() {
            let (missing, after) = rest.split_at(rest.len().min(size.saturating_sub(first.len())));
            first.extend_from_slice(missing);
            if first.len() < size {
                return Ok(Encoding { bytes: sealed, carry: first });
            }
            put(&first);
            rest = after;
        }
        let chunks = rest.chunks_exact(size);
        let left = chunks.remainder().to_vec();
        chunks.for_each(put);
        Ok(Encoding { bytes: sealed, carry: left })
    }

    fn written(&mut self, state: Vec<u8>, length: u64, receipt: Receipt) -> Result<Vec<u8>> {
        let Receipt::Below(BelowReceipt { state: below, offset, carry }) = receipt else {
            return Err(Error::internal("the bytes went to no layer below"));
        };
        let had = State::read(&state, self.layout)?.plain(self.layout);
        let number = self.layout.stored_chunk_at(offset)?;
        let mut left = Vec::new();
        if !carry.is_empty() {
            chunk::seal(self.keys.current(), &random::array(), Purpose::State, number, &carry, &mut left);
        }
        let state = State { offset, below: &below, left: &left };
        if had + length != state.plain(self.layout) || carry.len() >= self.layout.chunk {
            let has = state.plain(self.layout);
            return Err(Error::internal(format!("{length} bytes went to an upload of {had}, and it has {has} now")));
        }
        state.write()
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        let state = State::read(state, self.layout)?;
        match self.finish(&state) {
            Ok(finished) => below::commit(LAYER, &finished, key)?,
            // Asked again for what it has done: there is no such upload any more, and the object is there.
            Err(_) if below::stat(LAYER, key)?.is_some() => below::abort(LAYER, state.below)?,
            Err(error) => return Err(error),
        }
        Ok(Progress::Done)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        below::abort(LAYER, State::read(state, self.layout)?.below)
    }
}
