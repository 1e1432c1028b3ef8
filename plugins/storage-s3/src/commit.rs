//! Makes an upload an object, or drops it.
//!
//! All that can be repeated is: each step looks at what is there before, so that a commit whose answer was lost, or that was broken off,
//! is asked again and goes on. What is left over after the object is there is swept up, and if that fails, only logged.

use bulkhead_plugin_sdk::prelude::*;

use crate::client::Client;
use crate::multipart::{self, Multipart, Outcome};
use crate::objects;
use crate::store::remove;
use crate::upload::{Stage, Upload};

/// Above this, an object is copied piece by piece, since a store may take long over a single copy.
const AT_ONCE: u64 = 512 * UNIT;
/// The bytes of a piece.
const PIECE: u64 = 256 * UNIT;
/// 1 MiB, but in tests, whose store holds all of it in memory.
const UNIT: u64 = if cfg!(test) { 24 * 1024 } else { 1024 * 1024 };
/// After so many milliseconds in one call no further piece is begun.
const PATIENCE: u64 = 3_000;

/// Makes it the object `key`.
pub fn commit(client: &mut Client, upload: Upload, key: &str) -> Result<Progress> {
    if let Some(there) = objects::stat(client, key)? {
        if there.size != upload.size {
            log::warn!(
                "`{key}` is there already with {} bytes, and stays; an upload of {} bytes is dropped",
                there.size,
                upload.size
            );
        }
        return Ok(swept(client, &upload));
    }
    match upload.stage.clone() {
        Stage::Small(None) => Err(Error::invalid("nothing was written to this upload")),
        Stage::Small(Some(tail)) => whole(client, &upload, &upload.tail(tail.named), Some(&tail.etag), key),
        Stage::Parts(multipart, tail) => {
            let tail = tail.map(|tail| (upload.tail(tail.named), tail.etag));
            assemble(client, &upload, multipart, tail)?;
            if upload.size <= AT_ONCE {
                return whole(client, &upload, &upload.whole(), None, key);
            }
            let draft = client.creation("POST", key);
            let copy = multipart::create(client, draft)?;
            Ok(Progress::More(Upload { stage: Stage::Copying(key.to_owned(), copy), ..upload }.encode()?))
        }
        Stage::Copying(of, copy) if of == key => piecewise(client, upload, copy, key),
        Stage::Copying(of, _) => Err(Error::invalid(format!("the upload is being committed as `{of}`"))),
    }
}

/// Copies an object that has all of it.
fn whole(client: &mut Client, upload: &Upload, from: &str, etag: Option<&str>, key: &str) -> Result<Progress> {
    match objects::copy(client, from, etag, key) {
        Ok(()) => Ok(swept(client, upload)),
        Err(error @ (Error::Conflict | Error::NotFound)) => settled(client, upload, key, error),
        Err(error) => Err(error),
    }
}

/// Puts the parts together, unless that was done before.
fn assemble(client: &mut Client, upload: &Upload, mut multipart: Multipart, tail: Option<(String, String)>) -> Result<()> {
    let whole = upload.whole();
    if let Some((from, etag)) = tail {
        match multipart::last_part(client, &whole, &multipart, &from, &etag, upload.tail_length()) {
            Ok(Outcome::Done(etag)) => multipart.parts.push(etag),
            // An earlier commit may have put them together, and swept up after it.
            Ok(Outcome::Gone) | Err(Error::NotFound) => return assembled(client, upload),
            Err(Error::Conflict) => return Err(changed()),
            Err(error) => return Err(error),
        }
    }
    match multipart::complete(client, &whole, &multipart, false)? {
        Outcome::Done(()) => Ok(()),
        Outcome::Gone => assembled(client, upload),
    }
}

/// The parts are gone: since they were put together, or since the upload was dropped.
fn assembled(client: &mut Client, upload: &Upload) -> Result<()> {
    let there = objects::stat(client, &upload.whole())?;
    if there.is_some_and(|there| there.size == upload.size) { Ok(()) } else { Err(Error::NotFound) }
}

/// Copies further pieces, for as long as one call may take.
fn piecewise(client: &mut Client, upload: Upload, mut copy: Multipart, key: &str) -> Result<Progress> {
    let (begun, whole) = (clock::now(), upload.whole());
    loop {
        let offset = copy.parts.len() as u64 * PIECE;
        if offset >= upload.size {
            break;
        }
        if clock::now() >= begun + PATIENCE {
            return Ok(Progress::More(Upload { stage: Stage::Copying(key.to_owned(), copy), ..upload }.encode()?));
        }
        let range = ByteRange { offset, length: PIECE.min(upload.size - offset) };
        match multipart::copy_part(client, key, &copy, &whole, None, Some(range))? {
            Outcome::Done(etag) => copy.parts.push(etag),
            Outcome::Gone => return settled(client, &upload, key, Error::NotFound),
        }
    }
    match multipart::complete(client, key, &copy, true) {
        Ok(Outcome::Done(())) => Ok(swept(client, &upload)),
        Ok(Outcome::Gone) => settled(client, &upload, key, Error::NotFound),
        Err(error @ Error::Conflict) => settled(client, &upload, key, error),
        Err(error) => Err(error),
    }
}

/// The store has refused, perhaps since the object is there meanwhile, by another call for the same.
fn settled(client: &mut Client, upload: &Upload, key: &str, refusal: Error) -> Result<Progress> {
    match (objects::stat(client, key)?, refusal) {
        (Some(_), _) => Ok(swept(client, upload)),
        (None, Error::Conflict) => Err(changed()),
        (None, other) => Err(other),
    }
}

fn changed() -> Error {
    Error::internal("what was uploaded is not in the bucket any more as it was")
}

/// What is left of the upload goes; the object is there, so nothing else matters.
fn swept(client: &mut Client, upload: &Upload) -> Progress {
    if let Err(error) = sweep(client, upload) {
        log::warn!("what is left of the upload `{}` stays in the bucket: {error:?}", upload.id);
    }
    Progress::Done
}

/// Drops all that an upload has in the bucket.
pub fn sweep(client: &mut Client, upload: &Upload) -> Result<()> {
    let mut known = Vec::new();
    match &upload.stage {
        Stage::Small(tail) => known.extend(tail.as_ref().map(|tail| upload.tail(tail.named))),
        Stage::Parts(multipart, _) => multipart::abort(client, &upload.whole(), &multipart.id)?,
        Stage::Copying(key, copy) => multipart::abort(client, key, &copy.id)?,
    }
    if upload.littered {
        return litter(client, upload);
    }
    known.iter().try_for_each(|key| objects::delete(client, key))
}

/// Whatever the upload's folder has: also what no state knows of, since a call was broken off.
pub fn litter(client: &mut Client, upload: &Upload) -> Result<()> {
    loop {
        let page = objects::page(client, &upload.folder(), None, 500)?;
        let keys: Vec<String> =
            page.objects.iter().filter_map(|object| object.key.strip_prefix(client.prefix())).map(str::to_owned).collect();
        if keys.is_empty() {
            return Ok(());
        }
        remove(client, &keys)?;
        if !page.truncated {
            return Ok(());
        }
    }
}

/// Drops an upload that is not wanted.
pub fn abort(client: &mut Client, upload: &Upload) -> Result<()> {
    sweep(client, upload)?;
    if upload.littered { Ok(()) } else { litter(client, upload) }
}
