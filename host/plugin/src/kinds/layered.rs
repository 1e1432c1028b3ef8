//! What a storage plugin says about the layers below it, checked: the layer is one of the operator's `over`, the key is one, every size is
//! within its bound.

use std::sync::Arc;

use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::driver::{
    BelowSlice, BelowUpload, Decoded, Encoded, Encoding, LayerName, MAX_PIECE_BYTES, MAX_STATE_BYTES, ObjectInfo, ObjectKey,
    Receipt, Sink, Source,
};
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_oci::ByteRange;
use bulkhead_plugin_bindings::bulkhead::plugin::{objects, types};
use bulkhead_plugin_bindings::exports::bulkhead::plugin::storage;
use bytes::Bytes;

use super::nonsense;
use super::values::wit_headers;
use crate::state::Layers;

/// The most bytes of a context.
const MAX_CONTEXT_BYTES: usize = 4 * 1024;
/// The most bytes that an encoding leaves over.
const MAX_CARRY_BYTES: usize = 32 * 1024;

/// The layers that a plugin has.
#[derive(Clone, Copy)]
pub(super) struct Over<'a>(pub(super) &'a Layers);

impl Over<'_> {
    fn layer(self, name: &str) -> Result<LayerName, PluginError> {
        let known = self.0.get_key_value(name).map(|(name, _)| Arc::clone(name));
        known.ok_or_else(|| {
            PluginError::NotGranted(format!("the layer {:?}: `over` does not name it", crate::output::bounded(name)))
        })
    }

    pub(super) fn slice(self, slice: storage::BelowSlice) -> Result<BelowSlice, PluginError> {
        let range = slice.range.map(|range| ByteRange { offset: range.offset, length: range.length });
        Ok(BelowSlice { layer: self.layer(&slice.layer)?, key: key(&slice.key)?, range })
    }

    pub(super) fn decoded(self, decoded: storage::Decoded) -> Result<Decoded, PluginError> {
        let storage::Decoded { from, piece, skip, context } = decoded;
        Ok(Decoded {
            from: self.slice(from)?,
            piece: size(piece)?,
            skip,
            context: bounded("context", context, MAX_CONTEXT_BYTES)?,
        })
    }

    pub(super) fn copied(self, copying: storage::Copying, wanted: Option<ByteRange>) -> Result<Source, PluginError> {
        let from = self.slice(copying.from)?;
        if wanted.is_some() || from.range.is_some() {
            return nonsense("a copy of a range: only a whole object is copied");
        }
        let to = self.layer(&copying.to)?;
        if to == from.layer {
            return nonsense(format!("a copy from the layer {to} to itself"));
        }
        Ok(Source::Copied { from, to })
    }

    pub(super) fn upload(self, upload: storage::BelowUpload) -> Result<BelowUpload, PluginError> {
        let storage::BelowUpload { layer, state, offset, most, head } = upload;
        if most == Some(0) {
            return nonsense("an upload of a layer below that takes nothing");
        }
        let head = head.map(|head| self.slice(head)).transpose()?;
        Ok(BelowUpload { layer: self.layer(&layer)?, state: bounded("state", state, MAX_STATE_BYTES)?, offset, most, head })
    }

    pub(super) fn encoded(self, encoded: storage::Encoded) -> Result<Encoded, PluginError> {
        let storage::Encoded { into, piece, context, carry } = encoded;
        if into.most.is_some() || into.head.is_some() {
            return nonsense("`most` or `head` of an encoded upload: neither can be counted");
        }
        Ok(Encoded {
            into: self.upload(into)?,
            piece: size(piece)?,
            context: bounded("context", context, MAX_CONTEXT_BYTES)?,
            carry: bounded("carry", carry, MAX_CARRY_BYTES)?,
        })
    }

    pub(super) fn bytes(self, most: u32) -> Result<Sink, PluginError> {
        Ok(Sink::Bytes(size(most)?))
    }
}

/// What an encoding made.
pub(super) fn encoding(encoding: storage::Encoding) -> Result<Encoding, PluginError> {
    // A guest may add to each chunk of a piece.
    let bytes = bounded("encoded", encoding.bytes, 2 * MAX_PIECE_BYTES as usize)?;
    Ok(Encoding { bytes: bytes.into(), carry: bounded("carry", encoding.carry, MAX_CARRY_BYTES)? })
}

/// Bytes that a guest made.
pub(super) fn piece(bytes: Vec<u8>) -> Result<Bytes, PluginError> {
    bounded("piece", bytes, MAX_PIECE_BYTES as usize).map(Into::into)
}

fn bounded(what: &str, bytes: Vec<u8>, most: usize) -> Result<Vec<u8>, PluginError> {
    if bytes.len() > most {
        return nonsense(format!("a {what} of {} bytes: at most {most}", bytes.len()));
    }
    Ok(bytes)
}

fn size(piece: u32) -> Result<u32, PluginError> {
    if (1..=MAX_PIECE_BYTES).contains(&piece) {
        Ok(piece)
    } else {
        nonsense(format!("pieces of {piece} bytes: 1 to {MAX_PIECE_BYTES}"))
    }
}

fn key(text: &str) -> Result<ObjectKey, PluginError> {
    text.parse().or_else(|error| nonsense(format!("the key {:?}: {error}", crate::output::bounded(text))))
}

/// What a guest knows of an object.
pub(super) fn object_info(info: objects::ObjectInfo) -> Result<ObjectInfo, PluginError> {
    Ok(ObjectInfo { key: key(&info.key)?, size: info.size, modified: Timestamp(info.modified) })
}

/// A receipt with its headers as the guest gets them.
pub(super) struct OwnReceipt {
    receipt: Receipt,
    headers: Vec<types::Header>,
}

impl OwnReceipt {
    pub(super) fn new(mut receipt: Receipt) -> Self {
        let headers = match &mut receipt {
            Receipt::Http(answer) => wit_headers(std::mem::take(&mut answer.headers)),
            Receipt::None | Receipt::Below { .. } => Vec::new(),
        };
        Self { receipt, headers }
    }

    pub(super) fn headers(&self) -> Vec<&types::Header> {
        self.headers.iter().collect()
    }

    pub(super) fn lend<'a>(&'a self, headers: &'a [&'a types::Header]) -> storage::Receipt<'a> {
        match &self.receipt {
            Receipt::None => storage::Receipt::None,
            Receipt::Http(answer) => storage::Receipt::Http(storage::HttpAnswer { status: answer.status, headers }),
            Receipt::Below { state, offset, carry } => {
                storage::Receipt::Below(storage::BelowReceipt { state, offset: *offset, carry })
            }
        }
    }
}
