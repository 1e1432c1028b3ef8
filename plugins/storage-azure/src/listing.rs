//! Lists keys in byte order, as the service lists names.
//!
//! The service cannot begin a listing behind a name: it gives a marker with each page, with which the next begins. So the markers of the last
//! pages are kept, in this instance and, where it is granted, in the plugin's own state, for whoever asks for the keys after a page's last.
//! Where there is none for a key, what lies before it is gone through, page by page: one request for each 600 objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_plugin_sdk::prelude::*;
use sha2::{Digest, Sha256};

use crate::blobs::Blobs;
use crate::name;
use crate::signature::encode;
use crate::{time, xml};

/// How many names are asked for at once: with the longest of them an answer has less than 1 MiB.
const PAGE: usize = 600;
/// After so many pages without a key that was asked for, how far it came is kept: the call may run out of time.
const STRIDE: usize = 8;
/// How long a marker is kept, in seconds.
const MARKER_LIVES: u32 = 3_600;

/// Where the last listing ended.
#[derive(Default)]
pub struct Marks {
    /// The place, and the marker with which the page begins that has the keys behind it.
    last: Option<(String, String)>,
}

impl Marks {
    /// The marker for this place, or for the beginning.
    fn find(&self, place: &str) -> String {
        match &self.last {
            Some((known, marker)) if known == place => marker.clone(),
            // Not granted, or nothing there: the beginning will do.
            _ => kv::get(place).ok().flatten().and_then(|marker| String::from_utf8(marker).ok()).unwrap_or_default(),
        }
    }

    fn keep(&mut self, place: String, marker: &str) {
        if !marker.is_empty() {
            // Whether it is granted or not.
            let _ = kv::set_for(&place, marker.as_bytes(), MARKER_LIVES);
            self.last = Some((place, marker.to_owned()));
        }
    }
}

/// One answer of the service.
struct Page {
    objects: Vec<ObjectInfo>,
    /// Empty: it is the last.
    next: String,
}

impl Blobs {
    /// The objects whose keys begin with `prefix`, strictly after `after`, at most `limit`.
    pub(crate) fn objects(&mut self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<ObjectInfo>> {
        let mut found: Vec<ObjectInfo> = Vec::new();
        if limit == 0 || !name::is_beginning(prefix) {
            return Ok(found);
        }
        let mut marker = after.map(|after| self.marks.find(&self.place(prefix, after))).unwrap_or_default();
        for pages in 1.. {
            let is_skipping = after.is_some() && found.is_empty();
            let most = if is_skipping { PAGE } else { PAGE.min(limit - found.len()) };
            let page = self.page(prefix, &marker, most)?;
            let wanted = page.objects.into_iter().filter(|object| after.is_none_or(|after| object.key.as_str() > after));
            let is_cut = self.take(wanted, limit, &mut found)?;
            if let Some(last) = found.last().filter(|_| found.len() == limit || page.next.is_empty()) {
                let place = self.place(prefix, &last.key);
                self.marks.keep(place, if is_cut || page.next.is_empty() { &marker } else { &page.next });
                return Ok(found);
            }
            if page.next.is_empty() {
                break;
            }
            marker = page.next;
            if let Some(after) = after.filter(|_| found.is_empty() && pages % STRIDE == 0) {
                let place = self.place(prefix, after);
                self.marks.keep(place, &marker);
            }
        }
        Ok(found)
    }

    /// Takes objects until there are `limit`, and says whether some are left.
    fn take(&mut self, objects: impl Iterator<Item = ObjectInfo>, limit: usize, found: &mut Vec<ObjectInfo>) -> Result<bool> {
        for object in objects {
            if found.len() == limit {
                return Ok(true);
            }
            // An empty blob may be one that the service has not copied yet.
            if object.size > 0 || self.stat(&object.key)?.is_some() {
                found.push(object);
            }
        }
        Ok(false)
    }

    fn page(&mut self, prefix: &str, marker: &str, most: usize) -> Result<Page> {
        let marker = if marker.is_empty() { String::new() } else { format!("&marker={}", encode(marker)) };
        let prefix = encode(&format!("{}{prefix}", self.prefix));
        let request = self.service.list(&format!("prefix={prefix}&maxresults={most}{marker}"));
        let answer = match self.service.send(&request)? {
            Ok(answer) => answer,
            Err(failure) => return Err(failure.error("listing the blobs")),
        };
        let body = String::from_utf8(answer.body).or_internal("the service's listing is not UTF-8")?;
        let objects =
            xml::all(&body, "Blob").filter_map(|blob| object(blob, &self.prefix).transpose()).collect::<Result<Vec<_>>>()?;
        if !objects.is_sorted_by(|one, other| one.key < other.key) {
            return Err(Error::internal(
                "the service does not list in byte order: an account with a hierarchical namespace cannot be used",
            ));
        }
        Ok(Page { objects, next: xml::text(&body, "NextMarker").unwrap_or_default() })
    }

    /// Names a key of a listing, in few bytes.
    fn place(&self, prefix: &str, after: &str) -> String {
        let digest =
            Sha256::new().chain_update(&self.prefix).chain_update([0]).chain_update(prefix).chain_update([0]).chain_update(after);
        format!("list:{}", STANDARD.encode(digest.finalize()))
    }
}

/// None: it is no object, but an upload or something that others have put there.
fn object(blob: &str, prefix: &str) -> Result<Option<ObjectInfo>> {
    let name = xml::text(blob, "Name").unwrap_or_default();
    let Some(key) = name.strip_prefix(prefix).filter(|key| name::is_key(key)) else { return Ok(None) };
    let size =
        xml::text(blob, "Content-Length").and_then(|length| length.parse().ok()).or_internal("a listing without a size")?;
    let modified =
        xml::text(blob, "Last-Modified").as_deref().and_then(time::parse_http_date).or_internal("a listing without a time")?;
    Ok(Some(ObjectInfo { key: key.to_owned(), size, modified }))
}
