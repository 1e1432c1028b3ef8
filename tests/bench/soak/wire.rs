//! Requests of the soak: an answer that was not expected is a fault, with all that is known of it.

use std::sync::atomic::{AtomicU64, Ordering};

use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Request, Response};
use bulkhead_tests::registry::ACCEPT;

/// A fault's text, where something is wrong.
pub type Checked<T = ()> = Result<T, String>;

/// A client's connection to the server.
pub struct Wire<'a> {
    /// Sends.
    client: Client,
    /// Counts what was answered.
    requests: &'a AtomicU64,
}

impl<'a> Wire<'a> {
    /// Sends through this client.
    pub const fn new(client: Client, requests: &'a AtomicU64) -> Self {
        Self { client, requests }
    }

    /// Sends a request as `build` makes it. One of these statuses has to come, and the whole body.
    pub fn send(
        &self,
        method: &str,
        target: &str,
        expected: &[u16],
        build: impl FnOnce(Request) -> Request,
    ) -> Checked<Response> {
        let answered = build(self.client.request(method, target)).try_send();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = answered.map_err(|error| format!("{method} {target}: no answer: {error}"))?;
        if !expected.contains(&answer.status) {
            let (status, headers, text) = (answer.status, &answer.headers, answer.text());
            return Err(format!("{method} {target}: {status} came, expected was {expected:?}\n{headers:?}\n{text}"));
        }
        if !answer.complete {
            return Err(format!("{method} {target}: the body broke off after {} bytes\n{:?}", answer.body.len(), answer.headers));
        }
        Ok(answer)
    }

    /// Without a body.
    pub fn ask(&self, method: &str, target: &str, expected: &[u16]) -> Checked<Response> {
        self.send(method, target, expected, |request| match method {
            "POST" | "PUT" => request.body(Vec::new()),
            _ => request,
        })
    }

    /// GET of a manifest, whatever its type; a body that came has the digest that the answer names, and the reference where it is one.
    pub fn manifest(&self, repository: &str, reference: &str, expected: &[u16]) -> Checked<Response> {
        let target = format!("/v2/{repository}/manifests/{reference}");
        let answer = self.send("GET", &target, expected, |request| request.header("Accept", ACCEPT))?;
        if answer.status == 200 {
            let found = digest::sha256(&answer.body);
            let named = answer.header("Docker-Content-Digest").unwrap_or_default();
            if found != named || (reference.contains(':') && reference != found) {
                return Err(format!("GET {target}: the body has {found}, the head says {named}\n{}", answer.text()));
            }
        }
        Ok(answer)
    }

    /// GET of a blob; bytes that came are the right ones. Their number, where they came.
    pub fn blob(&self, repository: &str, wanted: &str, expected: &[u16]) -> Checked<Option<u64>> {
        let target = format!("/v2/{repository}/blobs/{wanted}");
        let answer = self.ask("GET", &target, expected)?;
        if answer.status != 200 {
            return Ok(None);
        }
        let found = digest::sha256(&answer.body);
        if found != wanted {
            let (headers, length) = (&answer.headers, answer.body.len());
            return Err(format!("GET {target}: {length} bytes came that have {found}\n{headers:?}"));
        }
        Ok(Some(answer.body.len() as u64))
    }
}

/// A header that an answer must have.
pub fn header<'a>(answer: &'a Response, name: &str, what: &str) -> Checked<&'a str> {
    answer.header(name).ok_or_else(|| format!("{what}: the answer has no {name}\n{:?}", answer.headers))
}
