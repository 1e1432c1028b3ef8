//! Single objects of the bucket: looked at, copied, deleted, listed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_plugin_sdk::prelude::*;
use md5::{Digest, Md5};

use crate::answer::{error, expect};
use crate::client::Client;
use crate::sigv4::Draft;
use crate::text::escaped;
use crate::{time, xml};

/// What a HEAD tells.
pub struct Stat {
    /// In bytes.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: u64,
}

/// None if it is not there.
pub fn stat(client: &mut Client, key: &str) -> Result<Option<Stat>> {
    let answer = client.send(&client.object("HEAD", key))?;
    if answer.status == 404 {
        return Ok(None);
    }
    let answer = expect("HeadObject", answer)?;
    let size = answer.header("content-length").or_internal("HeadObject: the store's answer has no length")?.parse()?;
    let modified = time::from_header(answer.header("last-modified").or_internal("HeadObject: the store's answer has no date")?)?;
    Ok(Some(Stat { size, modified }))
}

/// All of a little object, if it still has that ETag.
pub fn read(client: &mut Client, key: &str, etag: &str) -> Result<Vec<u8>> {
    let mut draft = client.object("GET", key);
    draft.headers.push(("if-match", etag.to_owned()));
    let answer = expect("GetObject", client.send(&draft)?)?;
    // Not every store knows the condition.
    if answer.header("etag").is_some_and(|now| now != etag) { Err(Error::Conflict) } else { Ok(answer.body) }
}

/// Copies an object within the store, if it still has that ETag. `conflict`: it has not, or, where the store sees to that, something is
/// there already.
pub fn copy(client: &mut Client, from: &str, etag: Option<&str>, to: &str) -> Result<()> {
    let mut draft = client.creation("PUT", to);
    draft.headers.push(("x-amz-copy-source", client.copy_source(from)));
    draft.headers.extend(etag.map(|etag| ("x-amz-copy-source-if-match", etag.to_owned())));
    let answer = if client.conditional {
        draft.headers.push(("if-none-match", "*".to_owned()));
        client.insist(&draft)
    } else {
        client.send(&draft)
    };
    expect("CopyObject", answer?).map(|_| ())
}

/// No error if it is not there.
pub fn delete(client: &mut Client, key: &str) -> Result<()> {
    let answer = client.send(&client.object("DELETE", key))?;
    if answer.status == 404 { Ok(()) } else { expect("DeleteObject", answer).map(|_| ()) }
}

/// At most 1,000 at once. False: the store knows no such request.
pub fn delete_many(client: &mut Client, keys: &[String]) -> Result<bool> {
    let prefix = client.prefix();
    let entries: String =
        keys.iter().map(|key| format!("<Object><Key>{}</Key></Object>", escaped(&format!("{prefix}{key}")))).collect();
    let body =
        format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>{entries}</Delete>").into_bytes();
    let headers = vec![("content-md5", STANDARD.encode(Md5::digest(&body))), ("content-type", "application/xml".to_owned())];
    let draft = Draft { query: vec![("delete", String::new())], headers, body: Some(body), ..client.whole("POST") };
    let answer = client.insist(&draft)?;
    let code = xml::error_code(&answer.body);
    if matches!((answer.status, code.as_deref()), (405 | 501, _) | (_, Some("NotImplemented"))) {
        return Ok(false);
    }
    let answer = expect("DeleteObjects", answer)?;
    match xml::left(&answer.body)?.first() {
        None => Ok(true),
        // As if the whole had been answered so.
        Some(code) => {
            let status = if code == "AccessDenied" { 403 } else { 500 };
            let body = format!("<Error><Code>{}</Code></Error>", escaped(code)).into_bytes();
            Err(error("DeleteObjects", &HttpResponse { status, headers: Vec::new(), body }))
        }
    }
}

/// Objects whose keys begin with `prefix`, strictly after `after`, at most `limit`, as the store has them.
pub fn page(client: &mut Client, prefix: &str, after: Option<&str>, limit: usize) -> Result<xml::Page> {
    let ours = client.prefix();
    let mut query = vec![("list-type", "2".to_owned()), ("max-keys", limit.to_string()), ("prefix", format!("{ours}{prefix}"))];
    query.extend(after.map(|after| ("start-after", format!("{ours}{after}"))));
    let answer = client.send(&Draft { query, ..client.whole("GET") })?;
    xml::page(&expect("ListObjectsV2", answer)?.body)
}

/// The ETag of an answer to a request that the host has sent.
pub fn etag(client: &mut Client, receipt: Receipt) -> Result<String> {
    let Receipt::Http(answer) = receipt else { return Err(Error::invalid("a part's receipt is an answer of the store")) };
    let answer = HttpResponse { status: answer.status, headers: answer.headers, body: Vec::new() };
    if matches!(answer.status, 400 | 401 | 403) {
        client.forget_keys();
    }
    etag_of("PutObject", answer)
}

/// The ETag of what an answer is about.
pub fn etag_of(what: &str, answer: HttpResponse) -> Result<String> {
    let answer = expect(what, answer)?;
    let sane = |etag: &&str| (1..=128).contains(&etag.len()) && etag.bytes().all(|byte| byte.is_ascii_graphic());
    let etag = answer.header("etag").filter(sane);
    etag.map(str::to_owned).or_internal(&format!("{what}: the store's answer has no ETag"))
}
