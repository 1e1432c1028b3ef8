//! Objects that are put together of parts.

use bulkhead_plugin_sdk::prelude::*;

use crate::answer::{error, expect};
use crate::client::Client;
use crate::sigv4::Draft;
use crate::text::escaped;
use crate::{objects, xml};

/// So many bytes are brought by the plugin itself, since some stores copy no object as small as that into a part (Garage: those that it
/// keeps within its metadata).
const LITTLE: u64 = 16 * 1024;

/// Parts of an object that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    /// As the store has named it.
    pub id: String,
    /// The ETags of the parts so far, in order.
    pub parts: Vec<String>,
}

/// What became of a request that needs the parts to be there.
pub enum Outcome<T = ()> {
    /// It was carried out.
    Done(T),
    /// They are not: they were put together before, or dropped.
    Gone,
}

/// Begins one; `object` is a POST that makes an object.
pub fn create(client: &mut Client, object: Draft) -> Result<Multipart> {
    let draft = Draft { query: vec![("uploads", String::new())], ..object };
    let answer = expect("CreateMultipartUpload", client.insist(&draft)?)?;
    let id = xml::text(&answer.body, "UploadId")?;
    if id.is_empty() || id.len() > 512 {
        return Err(Error::internal("CreateMultipartUpload: the store gives an id of no sensible length"));
    }
    Ok(Multipart { id, parts: Vec::new() })
}

/// The request of the next part, whose body is to be sent by the host.
pub fn part(client: &Client, key: &str, multipart: &Multipart) -> Draft {
    Draft { query: query(multipart, multipart.parts.len() + 1), body: None, ..client.object("PUT", key) }
}

/// Makes an object, or so many of its bytes, the next part; `etag`: only if it still has that one.
pub fn copy_part(
    client: &mut Client,
    key: &str,
    multipart: &Multipart,
    from: &str,
    etag: Option<&str>,
    range: Option<ByteRange>,
) -> Result<Outcome<String>> {
    let mut draft = Draft { query: query(multipart, multipart.parts.len() + 1), ..client.object("PUT", key) };
    draft.headers.push(("x-amz-copy-source", client.copy_source(from)));
    draft.headers.extend(etag.map(|etag| ("x-amz-copy-source-if-match", etag.to_owned())));
    draft.headers.extend(range.map(|range| ("x-amz-copy-source-range", format!("bytes={}-{}", range.offset, range.end() - 1))));
    let answer = client.send(&draft)?;
    if is_gone(&answer) {
        return Ok(Outcome::Gone);
    }
    Ok(Outcome::Done(xml::text(&expect("UploadPartCopy", answer)?.body, "ETag")?))
}

/// Makes an object of so many bytes the last part, if it still has that ETag.
pub fn last_part(
    client: &mut Client,
    key: &str,
    multipart: &Multipart,
    from: &str,
    etag: &str,
    length: u64,
) -> Result<Outcome<String>> {
    if length > LITTLE {
        return copy_part(client, key, multipart, from, Some(etag), None);
    }
    let body = objects::read(client, from, etag)?;
    let answer = client.send(&Draft { body: Some(body), ..part(client, key, multipart) })?;
    if is_gone(&answer) { Ok(Outcome::Gone) } else { objects::etag_of("UploadPart", answer).map(Outcome::Done) }
}

/// Puts the parts together. `create`: nothing may be there, where the store sees to that.
pub fn complete(client: &mut Client, key: &str, multipart: &Multipart, create: bool) -> Result<Outcome> {
    let part = |(index, etag): (usize, &String)| {
        format!("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", index + 1, escaped(etag))
    };
    let parts: String = multipart.parts.iter().enumerate().map(part).collect();
    let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
    let body = format!("<CompleteMultipartUpload xmlns=\"{namespace}\">{parts}</CompleteMultipartUpload>").into_bytes();
    let mut draft = client.object("POST", key);
    draft.query.push(("uploadId", multipart.id.clone()));
    draft.headers.push(("content-type", "application/xml".to_owned()));
    if create && client.conditional {
        draft.headers.push(("if-none-match", "*".to_owned()));
    }
    let answer = client.insist(&Draft { body: Some(body), ..draft })?;
    if is_gone(&answer) {
        return Ok(Outcome::Gone);
    }
    expect("CompleteMultipartUpload", answer).map(|_| Outcome::Done(()))
}

/// Drops the parts; no error if they are not there.
pub fn abort(client: &mut Client, key: &str, id: &str) -> Result<()> {
    let draft = Draft { query: vec![("uploadId", id.to_owned())], ..client.object("DELETE", key) };
    let answer = client.send(&draft)?;
    match expect("AbortMultipartUpload", answer) {
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

fn query(multipart: &Multipart, number: usize) -> Vec<(&'static str, String)> {
    vec![("partNumber", number.to_string()), ("uploadId", multipart.id.clone())]
}

fn is_gone(answer: &HttpResponse) -> bool {
    // A 404 of another code is about the object that is copied from.
    error("", answer) == Error::NotFound && xml::error_code(&answer.body).as_deref() == Some("NoSuchUpload")
}
