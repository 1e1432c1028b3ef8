//! AWS Signature Version 4, for S3: requests signed by a header, or by their URL.
//!
//! Nothing here does I/O or knows the time. The tests are the examples of Amazon's documentation.

use bulkhead_plugin_sdk::HttpRequest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::text::{encoded, hex};
use crate::time;

#[cfg(test)]
mod tests;

/// Of a body that the host sends, which is hashed there.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// What signs.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The access key's id, which is no secret.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// Of credentials that end.
    pub token: Option<String>,
}

/// A request before it is signed.
#[derive(Clone)]
pub struct Draft {
    /// As HTTP writes it.
    pub method: &'static str,
    /// Scheme, host and port.
    pub origin: String,
    /// As it is, not encoded.
    pub path: String,
    /// As they are, not encoded, in any order.
    pub query: Vec<(&'static str, String)>,
    /// All of them are signed.
    pub headers: Vec<(&'static str, String)>,
    /// None: the host sends one.
    pub body: Option<Vec<u8>>,
}

/// Who signs, for which region, when.
pub struct Signer<'a> {
    /// With these keys.
    pub keys: &'a Keys,
    /// As the endpoint knows it.
    pub region: &'a str,
    /// Milliseconds since 1970.
    pub now: u64,
}

impl Signer<'_> {
    /// Signed by a header: good for 15 minutes.
    pub fn signed(&self, draft: Draft) -> HttpRequest {
        let stamp = time::stamp(self.now);
        let payload = draft.body.as_ref().map_or_else(|| UNSIGNED.to_owned(), |body| hex(&Sha256::digest(body)));
        let mut headers = draft.headers.clone();
        headers.push(("x-amz-content-sha256", payload.clone()));
        headers.push(("x-amz-date", stamp.clone()));
        headers.extend(self.keys.token.clone().map(|token| ("x-amz-security-token", token)));
        let query = query_of(draft.query.iter().map(|(name, value)| (*name, value.as_str())));
        let (canonical, names) = canonical(&draft, &query, &headers, &payload);
        let signature = self.signature(&stamp, &canonical);
        let (id, scope) = (&self.keys.id, self.scope(&stamp));
        let value = format!("AWS4-HMAC-SHA256 Credential={id}/{scope},SignedHeaders={names},Signature={signature}");
        headers.push(("authorization", value));
        request(draft, &query, headers)
    }

    /// Signed by its URL: good for so many seconds, at most 7 days. It has no body, or one that the host sends.
    pub fn presigned(&self, draft: Draft, seconds: u32) -> HttpRequest {
        let stamp = time::stamp(self.now);
        let credential = format!("{}/{}", self.keys.id, self.scope(&stamp));
        let seconds = seconds.to_string();
        let names = signed_names(&draft.headers);
        let mut pairs: Vec<(&str, &str)> = draft.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.extend([("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", &credential), ("X-Amz-Date", &stamp)]);
        pairs.extend([("X-Amz-Expires", seconds.as_str()), ("X-Amz-SignedHeaders", &names)]);
        pairs.extend(self.keys.token.as_deref().map(|token| ("X-Amz-Security-Token", token)));
        let query = query_of(pairs.into_iter());
        let (canonical, _) = canonical(&draft, &query, &draft.headers, UNSIGNED);
        let query = format!("{query}&X-Amz-Signature={}", self.signature(&stamp, &canonical));
        let headers = draft.headers.clone();
        request(draft, &query, headers)
    }

    fn scope(&self, stamp: &str) -> String {
        format!("{}/{}/s3/aws4_request", &stamp[..8], self.region)
    }

    fn signature(&self, stamp: &str, canonical: &str) -> String {
        let digest = hex(&Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{}\n{digest}", self.scope(stamp));
        let first = format!("AWS4{}", self.keys.secret);
        let steps = [&stamp[..8], self.region, "s3", "aws4_request", &text];
        hex(&steps.iter().fold(first.into_bytes(), |key, step| mac(&key, step)))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The canonical request, and the names of the headers that are signed.
fn canonical(draft: &Draft, query: &str, headers: &[(&'static str, String)], payload: &str) -> (String, String) {
    let mut lines: Vec<(&str, String)> = headers.iter().map(|(name, value)| (*name, trimmed(value))).collect();
    lines.push(("host", host_of(&draft.origin).to_owned()));
    lines.sort();
    let lines: String = lines.into_iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = signed_names(headers);
    let path = encoded(&draft.path, true);
    (format!("{}\n{path}\n{query}\n{lines}\n{names}\n{payload}", draft.method), names)
}

fn signed_names(headers: &[(&'static str, String)]) -> String {
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).chain(["host"]).collect();
    names.sort_unstable();
    names.join(";")
}

/// Without spaces around it, and with one in place of several.
fn trimmed(value: &str) -> String {
    value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// As clients send it: without the port that the scheme has anyway.
fn host_of(origin: &str) -> &str {
    let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
    let usual = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(usual).unwrap_or(host)
}

/// Sorted and encoded, which is how it is signed and may as well be sent.
fn query_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encoded(name, false), encoded(value, false))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn request(draft: Draft, query: &str, headers: Vec<(&'static str, String)>) -> HttpRequest {
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("{}{}{mark}{query}", draft.origin, encoded(&draft.path, true));
    let bare = HttpRequest { method: draft.method.to_owned(), url, headers: Vec::new(), body: draft.body.unwrap_or_default() };
    headers.into_iter().fold(bare, |request, (name, value)| request.with_header(name, value))
}
