//! A store that speaks as S3 does, in memory: as much of it as the plugin asks for, and as strict.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bulkhead_plugin_sdk::Header;
use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::answer;
use md5::{Digest, Md5};

use crate::text::{escaped, hex};

pub const ORIGIN: &str = "http://s3.test:9000";
const LEAST_PART: usize = 5 * 1024 * 1024;

/// What it holds, and what a test has it do.
#[derive(Default)]
pub struct Store {
    pub objects: BTreeMap<String, Vec<u8>>,
    /// By their ids: the key and the parts.
    pub multiparts: BTreeMap<String, (String, BTreeMap<usize, Vec<u8>>)>,
    /// The next requests whose method and URL have these in them get this status and code: before they are carried out, or instead of
    /// the answer after it.
    pub failures: Vec<Failure>,
    pub knows_no_batches: bool,
    begun: usize,
}

pub struct Failure {
    pub method: &'static str,
    pub part: &'static str,
    pub status: u16,
    pub code: &'static str,
    pub is_done: bool,
}

pub type Shared = Rc<RefCell<Store>>;

/// The service of a store, for the fake host.
pub fn service(store: &Shared) -> impl Fn(&HttpRequest) -> Result<HttpResponse> + 'static {
    let store = Rc::clone(store);
    move |request| Ok(store.borrow_mut().answer(request))
}

fn refusal(status: u16, code: &str) -> HttpResponse {
    let body = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>m</Message></Error>").into_bytes();
    HttpResponse { body, ..answer(status) }
}

fn xml(body: String) -> HttpResponse {
    HttpResponse { body: body.into_bytes(), ..answer(200) }
}

pub fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex(&Md5::digest(bytes)))
}

fn with(mut response: HttpResponse, name: &str, value: String) -> HttpResponse {
    response.headers.push(Header { name: name.to_owned(), value });
    response
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('%') {
        bytes.extend(rest[..at].bytes());
        bytes.push(u8::from_str_radix(&rest[at + 1..at + 3], 16).unwrap());
        rest = &rest[at + 3..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).unwrap()
}

impl Store {
    fn answer(&mut self, request: &HttpRequest) -> HttpResponse {
        let is_signed = request.header("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 Credential=A/"));
        assert!(is_signed || request.url.contains("&X-Amz-Signature="), "{} is not signed", request.url);
        let (method, url) = (request.method.as_str(), request.url.as_str());
        let failure = self.failures.iter().position(|failure| failure.method == method && url.contains(failure.part));
        match failure.map(|at| self.failures.remove(at)) {
            None => self.carry_out(request),
            Some(failure) => {
                if failure.is_done {
                    self.carry_out(request);
                }
                refusal(failure.status, failure.code)
            }
        }
    }

    fn carry_out(&mut self, request: &HttpRequest) -> HttpResponse {
        let target = request.url.strip_prefix(&format!("{ORIGIN}/blobs/")).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect();
        let key = decoded(path);
        let id = query.get("uploadId").cloned();
        match (request.method.as_str(), id, query.contains_key("partNumber")) {
            ("GET", None, _) if key.is_empty() => self.list(&query),
            ("POST", None, _) if key.is_empty() => self.delete_many(request),
            ("GET" | "HEAD", None, _) => self.get(&key, request),
            ("PUT", None, _) => self.put(&key, request),
            ("DELETE", None, _) => {
                self.objects.remove(&key);
                answer(204)
            }
            ("POST", None, _) => {
                self.begun += 1;
                let id = format!("id+{}/", self.begun);
                self.multiparts.insert(id.clone(), (key, BTreeMap::new()));
                xml(format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
            }
            ("PUT", Some(id), true) => self.part(&id, query["partNumber"].parse().unwrap(), request),
            ("POST", Some(id), _) => self.complete(&id, request),
            ("DELETE", Some(id), _) => match self.multiparts.remove(&id) {
                Some(_) => answer(204),
                None => refusal(404, "NoSuchUpload"),
            },
            other => panic!("nobody asks for {other:?}"),
        }
    }

    fn get(&self, key: &str, request: &HttpRequest) -> HttpResponse {
        let Some(bytes) = self.objects.get(key) else { return refusal(404, "NoSuchKey") };
        if request.header("if-match").is_some_and(|wanted| wanted != etag(bytes)) {
            return refusal(412, "PreconditionFailed");
        }
        let body = if request.method == "HEAD" { Vec::new() } else { bytes.clone() };
        let answer = with(HttpResponse { body, ..answer(200) }, "Content-Length", bytes.len().to_string());
        let answer = with(answer, "ETag", etag(bytes));
        with(answer, "Last-Modified", "Fri, 24 May 2013 00:00:00 GMT".to_owned())
    }

    /// What a request brings, or copies.
    fn content(&self, request: &HttpRequest) -> Result<Vec<u8>, HttpResponse> {
        let Some(source) = request.header("x-amz-copy-source") else { return Ok(request.body.clone()) };
        let key = decoded(source.strip_prefix("/blobs/").unwrap());
        let bytes = self.objects.get(&key).ok_or_else(|| refusal(404, "NoSuchKey"))?;
        if request.header("x-amz-copy-source-if-match").is_some_and(|wanted| wanted != etag(bytes)) {
            return Err(refusal(412, "PreconditionFailed"));
        }
        let Some(range) = request.header("x-amz-copy-source-range") else { return Ok(bytes.clone()) };
        let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        Ok(bytes[first.parse().unwrap()..=last.parse().unwrap()].to_vec())
    }

    fn put(&mut self, key: &str, request: &HttpRequest) -> HttpResponse {
        if request.header("if-none-match") == Some("*") && self.objects.contains_key(key) {
            return refusal(412, "PreconditionFailed");
        }
        match self.content(request) {
            Ok(bytes) => {
                let made = with(xml("<CopyObjectResult/>".to_owned()), "ETag", etag(&bytes));
                self.objects.insert(key.to_owned(), bytes);
                made
            }
            Err(refusal) => refusal,
        }
    }

    fn part(&mut self, id: &str, number: usize, request: &HttpRequest) -> HttpResponse {
        if !self.multiparts.contains_key(id) {
            return refusal(404, "NoSuchUpload");
        }
        match self.content(request) {
            // As Garage has it, and no fault of anybody else: so little is copied into no part.
            Ok(bytes) if bytes.len() < 3072 && request.header("x-amz-copy-source").is_some() => refusal(400, "InvalidRequest"),
            Ok(bytes) => {
                let tag = etag(&bytes);
                let made = xml(format!("<CopyPartResult><ETag>{}</ETag></CopyPartResult>", tag.replace('"', "&quot;")));
                self.multiparts.get_mut(id).unwrap().1.insert(number, bytes);
                with(made, "etag", tag)
            }
            Err(refusal) => refusal,
        }
    }

    fn complete(&mut self, id: &str, request: &HttpRequest) -> HttpResponse {
        let Some((key, parts)) = self.multiparts.get(id).cloned() else { return refusal(404, "NoSuchUpload") };
        let body = String::from_utf8(request.body.clone()).unwrap();
        let document = roxmltree::Document::parse(&body).unwrap();
        let texts =
            |name| document.descendants().filter(move |node| node.has_tag_name(name)).map(|node| node.text().unwrap().to_owned());
        let named: Vec<(usize, String)> = texts("PartNumber").map(|number| number.parse().unwrap()).zip(texts("ETag")).collect();
        let there: Vec<(usize, String)> = parts.iter().map(|(number, bytes)| (*number, etag(bytes))).collect();
        if named != there {
            return refusal(400, "InvalidPart");
        }
        if parts.values().rev().skip(1).any(|part| part.len() < LEAST_PART) {
            return refusal(400, "EntityTooSmall");
        }
        self.multiparts.remove(id);
        self.objects.insert(key, parts.into_values().flatten().collect());
        xml("  <CompleteMultipartUploadResult/>".to_owned())
    }

    fn delete_many(&mut self, request: &HttpRequest) -> HttpResponse {
        if self.knows_no_batches {
            return refusal(501, "NotImplemented");
        }
        assert!(request.header("content-md5").is_some());
        let body = String::from_utf8(request.body.clone()).unwrap();
        let document = roxmltree::Document::parse(&body).unwrap();
        for key in document.descendants().filter(|node| node.has_tag_name("Key")) {
            self.objects.remove(key.text().unwrap());
        }
        xml("<DeleteResult/>".to_owned())
    }

    fn list(&self, query: &BTreeMap<String, String>) -> HttpResponse {
        let (prefix, most) = (query["prefix"].as_str(), query["max-keys"].parse().unwrap());
        let after = query.get("start-after").map_or("", String::as_str);
        let mut wanted = self.objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
        let entries: String = wanted
            .by_ref()
            .take(most)
            .map(|(key, bytes)| {
                let modified = "2013-05-24T00:00:00.000Z";
                format!(
                    "<Contents><Key>{}</Key><Size>{}</Size><LastModified>{modified}</LastModified></Contents>",
                    escaped(key),
                    bytes.len()
                )
            })
            .collect();
        let truncated = wanted.next().is_some();
        xml(format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{entries}</ListBucketResult>"))
    }
}
