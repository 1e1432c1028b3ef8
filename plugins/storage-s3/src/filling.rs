//! Where the bytes of an upload go.
//!
//! The host gathers a part, and sends it either as a part of the multipart upload, if it is full, or else as an object of its own, the
//! tail, whose bytes go ahead of the next ones. Nothing is begun before it is known to be needed: a blob shorter than a part is one object, and
//! so is the first part of any other, which becomes the first of the multipart upload when it has turned out to be full.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{Head, Part};

use crate::client::Client;
use crate::multipart::{self, Outcome};
use crate::upload::{Stage, Tail, Upload};
use crate::{ladder, objects};

/// Where the bytes from `offset` on go.
pub fn next(client: &mut Client, upload: &Upload, offset: u64) -> Result<Sink> {
    if offset != upload.size {
        return Err(Error::invalid(format!("the upload has {} bytes and cannot go on at {offset}", upload.size)));
    }
    let mut short = client.staging("PUT", &upload.tail(upload.size));
    short.body = None;
    let full = match &upload.stage {
        Stage::Small(_) => None,
        Stage::Parts(multipart, _) => Some(multipart::part(client, &upload.whole(), multipart)),
        Stage::Copying(..) => return Err(Error::invalid("the upload is being committed and takes no more bytes")),
    };
    if let Stage::Parts(multipart, _) = &upload.stage
        && multipart.parts.len() >= ladder::PARTS
    {
        let most = ladder::parts(upload.first, ladder::PARTS) >> 30;
        return Err(Error::invalid(format!("an object has at most {most} GiB here: the operator can set longer `part-bytes`")));
    }
    let head = head(client, upload)?;
    let short = client.presigned(short)?;
    let (request, short) = match full {
        Some(full) => (client.presigned(full)?, Some(short)),
        None => (short, None),
    };
    Ok(Sink::Http(Part { request, most: upload.next_part(), short, head }))
}

/// The tail's bytes, which have to be as they were.
fn head(client: &mut Client, upload: &Upload) -> Result<Option<Head>> {
    let length = upload.tail_length();
    let (Stage::Small(Some(tail)) | Stage::Parts(_, Some(tail))) = &upload.stage else { return Ok(None) };
    if length == 0 {
        return Ok(None);
    }
    let mut draft = client.object("GET", &upload.tail(tail.named));
    draft.headers.push(("if-match", tail.etag.clone()));
    Ok(Some(Head { request: client.presigned(draft)?, length }))
}

/// So many bytes were sent, in the request that was right for them, and answered so.
pub fn written(client: &mut Client, mut upload: Upload, length: u64, receipt: Receipt) -> Result<Upload> {
    let etag = objects::etag(client, receipt)?;
    let (gathered, part) = (upload.tail_length() + length, upload.next_part());
    if gathered > part {
        return Err(Error::invalid(format!("{length} bytes are more than were asked for")));
    }
    let sent = Tail { named: upload.size, etag };
    upload.stage = match upload.stage {
        Stage::Small(None) if gathered < part => Stage::Small(Some(sent)),
        Stage::Small(tail) if gathered < part => Stage::Small(kept(&mut upload.littered, tail, length, sent)),
        Stage::Small(_) => {
            upload.littered = true;
            let (whole, from) = (upload.whole(), upload.tail(sent.named));
            Stage::Parts(first_part(client, &whole, &from, &sent.etag)?, None)
        }
        Stage::Parts(multipart, tail) if gathered < part => {
            Stage::Parts(multipart, kept(&mut upload.littered, tail, length, sent))
        }
        Stage::Parts(mut multipart, tail) => {
            upload.littered |= tail.is_some();
            multipart.parts.push(sent.etag);
            Stage::Parts(multipart, None)
        }
        Stage::Copying(..) => return Err(Error::invalid("the upload is being committed and takes no more bytes")),
    };
    upload.size += length;
    Ok(upload)
}

/// The tail that counts from now on. One that brought nothing new does not, so that its name is free for the next.
fn kept(littered: &mut bool, before: Option<Tail>, length: u64, sent: Tail) -> Option<Tail> {
    if length == 0 {
        *littered = true;
        return before;
    }
    // An empty one has the name of the one that takes its place.
    *littered |= before.is_some_and(|before| before.named != sent.named);
    Some(sent)
}

fn first_part(client: &mut Client, whole: &str, from: &str, etag: &str) -> Result<multipart::Multipart> {
    let draft = client.staging("POST", whole);
    let mut begun = multipart::create(client, draft)?;
    match multipart::copy_part(client, whole, &begun, from, Some(etag), None) {
        Ok(Outcome::Done(etag)) => {
            begun.parts.push(etag);
            Ok(begun)
        }
        failed => {
            // Nobody else knows of it.
            if let Err(error) = multipart::abort(client, whole, &begun.id) {
                log::warn!("an upload in parts that is of no use is left in the bucket: {error:?}");
            }
            failed.map(|_| ()).and(Err(Error::unavailable("the upload in parts is gone as soon as it was begun")))
        }
    }
}
