//! Through the SDK's fake host, which answers as the service does.

mod commits;
mod credentials;
mod reading;
mod settings;
mod signing;
mod uploads;

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{HttpAnswer, Part};
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, configure};
use bulkhead_plugin_sdk::{Header, HttpResponse};

use crate::blobs::Blobs;

/// The account key that every emulator has.
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const SETTINGS: &str = r#"{"account":"contoso","container":"layers","prefix":"team/","shared-key":"key"}"#;
const BASE: &str = "https://contoso.blob.core.windows.net/layers/team";
const DATE: &str = "Fri, 26 Jun 2015 23:39:12 GMT";
const MODIFIED: u64 = 1_435_361_952_000;

/// A plugin with the account key, at a service that has no answer yet.
fn blobs() -> (Installed, Blobs) {
    let host = FakeHost::new().secret("key", KEY).install();
    (host, configure(SETTINGS).unwrap())
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    HttpResponse { status, headers: header_list(headers), body: body.into() }
}

fn header_list(headers: &[(&str, &str)]) -> Vec<Header> {
    headers.iter().map(|(name, value)| Header { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
}

/// A refusal with the service's code.
fn refusal(status: u16, code: &str) -> HttpResponse {
    reply(status, &[("x-ms-error-code", code)], "")
}

/// What is said of a blob that is there.
fn there(size: &str, copy: &str) -> HttpResponse {
    let headers = [("content-length", size), ("last-modified", DATE), ("etag", "\"0x1\""), ("x-ms-copy-status", copy)];
    reply(200, &headers, "")
}

/// What a part's request asks to be sent back, with a version.
fn acknowledged(request: &HttpRequest) -> Receipt {
    let echo = request.header("x-ms-client-request-id").unwrap_or_default();
    Receipt::Http(HttpAnswer { status: 201, headers: header_list(&[("x-ms-client-request-id", echo), ("etag", "\"0x1\"")]) })
}

fn part(sink: Sink) -> Part {
    match sink {
        Sink::Http(part) => part,
        other => panic!("the host sends a part, was {other:?}"),
    }
}

/// Puts so many bytes into an upload, the part short or full.
fn put(blobs: &mut Blobs, state: Vec<u8>, length: u64) -> Vec<u8> {
    let part = part(blobs.next(&state, 0, None).unwrap());
    let head = part.head.as_ref().map_or(0, |head| head.length);
    let sent = if length + head < part.most { part.short.unwrap_or(part.request) } else { part.request };
    blobs.written(state, length, acknowledged(&sent)).unwrap()
}

/// Method and URL of the requests so far, without the account's URL.
fn asked(host: &Installed) -> Vec<String> {
    host.requests().iter().map(|request| format!("{} {}", request.method, request.url.replace(BASE, ""))).collect()
}
