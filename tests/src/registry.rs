//! What clients of a registry do: push and pull blobs and images, and get tokens.

use std::io;

use crate::digest;
use crate::http::{Client, Response, percent_encode};
use crate::image::{Blob, Image};

/// All manifest types, as Docker lists them.
pub const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, */*";

/// Opens an upload and returns its Location.
#[must_use]
pub fn begin(client: &Client, repository: &str) -> String {
    let response = client.post(&format!("/v2/{repository}/blobs/uploads/")).expect(202);
    location(&response)
}

/// Where an answer points to.
///
/// # Panics
/// Where it points nowhere.
#[must_use]
pub fn location(response: &Response) -> String {
    response.header("Location").unwrap_or_else(|| panic!("no Location in {response:?}")).to_owned()
}

/// Sends bytes to an upload, chunked as Docker does, and returns where it goes on.
#[must_use]
pub fn patch(client: &Client, location_url: &str, bytes: &[u8]) -> String {
    let pieces = bytes.chunks(32 * 1024).map(<[u8]>::to_vec).collect();
    location(&client.request("PATCH", location_url).chunked(pieces).send().expect(202))
}

/// Ends an upload under this digest.
#[must_use]
pub fn finish(client: &Client, location_url: &str, digest: &str) -> Response {
    client.request("PUT", location_url).query("digest", digest).body(Vec::new()).send()
}

/// Pushes a blob as Docker does: POST, PATCH, PUT.
///
/// # Panics
/// Where the registry does not take it.
pub fn push_blob(client: &Client, repository: &str, bytes: &[u8]) -> String {
    let digest = digest::sha256(bytes);
    let upload = begin(client, repository);
    let upload = patch(client, &upload, bytes);
    let done = finish(client, &upload, &digest).expect(201);
    assert_eq!(done.header("Docker-Content-Digest"), Some(digest.as_str()));
    digest
}

/// Puts a manifest under a tag or a digest.
#[must_use]
pub fn put_manifest(client: &Client, repository: &str, reference: &str, manifest: &Blob) -> Response {
    client
        .request("PUT", &format!("/v2/{repository}/manifests/{reference}"))
        .header("Content-Type", &manifest.media_type)
        .body(manifest.bytes.clone())
        .send()
}

/// Puts a manifest under its digest, and these tags with it.
#[must_use]
pub fn put_with_tags(client: &Client, repository: &str, manifest: &Blob, tags: &[&str]) -> Response {
    let mut request = client.request("PUT", &format!("/v2/{repository}/manifests/{}", manifest.digest));
    for tag in tags {
        request = request.query("tag", tag);
    }
    request.header("Content-Type", &manifest.media_type).body(manifest.bytes.clone()).send()
}

/// Pushes all blobs of an image, then its manifest.
///
/// # Panics
/// Where the registry does not take something.
pub fn push_image(client: &Client, repository: &str, tag: &str, image: &Image) {
    for blob in image.blobs() {
        push_blob(client, repository, &blob.bytes);
    }
    let done = put_manifest(client, repository, tag, &image.manifest).expect(201);
    assert_eq!(done.header("Docker-Content-Digest"), Some(image.manifest.digest.as_str()));
}

/// Pushes an image to a server that may die meanwhile.
///
/// # Errors
/// Where the connection broke. The registry has then acknowledged nothing of the manifest.
///
/// # Panics
/// Where the server lives and refuses.
pub fn try_push_image(client: &Client, repository: &str, tag: &str, image: &Image) -> io::Result<()> {
    for blob in image.blobs() {
        let begun = client.request("POST", &format!("/v2/{repository}/blobs/uploads/")).body(Vec::new()).try_send()?.expect(202);
        let pieces = blob.bytes.chunks(32 * 1024).map(<[u8]>::to_vec).collect();
        let patched = client.request("PATCH", &location(&begun)).chunked(pieces).try_send()?.expect(202);
        client.request("PUT", &location(&patched)).query("digest", &blob.digest).body(Vec::new()).try_send()?.expect(201);
    }
    client
        .request("PUT", &format!("/v2/{repository}/manifests/{tag}"))
        .header("Content-Type", &image.manifest.media_type)
        .body(image.manifest.bytes.clone())
        .try_send()?
        .expect(201);
    Ok(())
}

/// Pulls a manifest, whatever its type.
#[must_use]
pub fn get_manifest(client: &Client, repository: &str, reference: &str) -> Response {
    client.request("GET", &format!("/v2/{repository}/manifests/{reference}")).header("Accept", ACCEPT).send()
}

/// Asks for a manifest with this `Accept` header.
#[must_use]
pub fn get_accepting(client: &Client, repository: &str, reference: &str, accept: &str) -> Response {
    client.request("GET", &format!("/v2/{repository}/manifests/{reference}")).header("Accept", accept).send()
}

/// Asks for a blob.
#[must_use]
pub fn get_blob(client: &Client, repository: &str, digest: &str) -> Response {
    client.get(&format!("/v2/{repository}/blobs/{digest}"))
}

/// Pulls an image under this reference and panics unless every byte of it is right.
///
/// # Panics
/// Where something is missing or differs.
pub fn assert_whole(client: &Client, repository: &str, reference: &str, image: &Image) {
    let manifest = get_manifest(client, repository, reference).expect(200);
    assert_eq!(manifest.header("Content-Type"), Some(image.manifest.media_type.as_str()));
    assert_eq!(manifest.header("Docker-Content-Digest"), Some(image.manifest.digest.as_str()));
    assert_eq!(manifest.body, image.manifest.bytes, "the manifest of {repository}:{reference} differs");
    for blob in image.blobs() {
        let pulled = get_blob(client, repository, &blob.digest).expect(200);
        assert!(pulled.complete && pulled.body == blob.bytes, "{} of {repository}:{reference} differs", blob.digest);
    }
}

/// The tags of a repository; none where the registry does not know it.
///
/// # Panics
/// Where the answer is neither a list nor 404.
#[must_use]
pub fn tags(client: &Client, repository: &str) -> Vec<String> {
    let response = client.get(&format!("/v2/{repository}/tags/list"));
    if response.status == 404 {
        return Vec::new();
    }
    strings(&response.expect(200).json()["tags"])
}

/// The repositories of the registry.
#[must_use]
pub fn repositories(client: &Client) -> Vec<String> {
    strings(&client.get("/v2/_catalog").expect(200).json()["repositories"])
}

/// Where the page after this one is.
///
/// # Panics
/// Where the `Link` is not one to a next page (RFC 8288).
#[must_use]
pub fn next_page(response: &Response) -> Option<String> {
    let link = response.header("Link")?;
    let (target, relation) = link.strip_prefix('<').and_then(|rest| rest.split_once('>')).expect("a Link has its target in <>");
    assert_eq!(relation.trim(), r#"; rel="next""#, "{link}");
    Some(target.to_owned())
}

/// All pages of a list, from this one on, as their `Link`s lead; `member` is the list's name in the answer.
///
/// # Panics
/// Where a page is none, or a `Link` is not one to a next page.
#[must_use]
pub fn pages(client: &Client, first: &str, member: &str) -> Vec<Vec<String>> {
    let (mut pages, mut target) = (Vec::new(), Some(first.to_owned()));
    while let Some(page) = target {
        let answer = client.get(&page).expect(200);
        target = next_page(&answer);
        pages.push(strings(&answer.json()[member]));
    }
    pages
}

fn strings(value: &serde_json::Value) -> Vec<String> {
    value.as_array().map(|list| list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// What a `WWW-Authenticate: Bearer` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Where the token is to be had.
    pub realm: String,
    /// For whom it is meant.
    pub service: String,
    /// For what.
    pub scope: Option<String>,
    /// Why the credentials at hand do not do.
    pub error: Option<String>,
}

/// Reads the challenge of an answer.
///
/// # Panics
/// Where there is none in the Bearer scheme.
#[must_use]
pub fn challenge(response: &Response) -> Challenge {
    let header = response.header("WWW-Authenticate").unwrap_or_else(|| panic!("no challenge in {response:?}"));
    let parameters = header.strip_prefix("Bearer ").unwrap_or_else(|| panic!("not a Bearer challenge: {header}"));
    let find = |name: &str| {
        let start = parameters.find(&format!("{name}=\""))? + name.len() + 2;
        let end = parameters[start..].find('"')? + start;
        Some(parameters[start..end].to_owned())
    };
    Challenge {
        realm: find("realm").expect("a challenge has a realm"),
        service: find("service").expect("a challenge has a service"),
        scope: find("scope"),
        error: find("error"),
    }
}

/// Asks for a token as Docker does; `client` carries the credentials, if any.
#[must_use]
pub fn ask_for_token(client: &Client, scopes: &[&str]) -> Response {
    let mut request = client.request("GET", "/oauth2/token").query("service", &client.address().to_string());
    for scope in scopes {
        request = request.query("scope", scope);
    }
    request.send()
}

/// A client with a token for these scopes.
///
/// # Panics
/// Where none is given.
#[must_use]
pub fn with_token(client: &Client, scopes: &[&str]) -> Client {
    let answer = ask_for_token(client, scopes).expect(200).json();
    client.bearer(answer["token"].as_str().expect("the answer has a token"))
}

/// Sends a form.
#[must_use]
pub fn post_form(client: &Client, target: &str, fields: &[(&str, &str)]) -> Response {
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    let request = client.request("POST", target).header("Content-Type", "application/x-www-form-urlencoded");
    request.body(form.join("&")).send()
}

/// Sends JSON.
#[must_use]
pub fn send_json(client: &Client, method: &str, target: &str, body: &serde_json::Value) -> Response {
    client.request(method, target).header("Content-Type", "application/json").body(body.to_string()).send()
}

/// Asks for an access token with a refresh token.
#[must_use]
pub fn refresh(client: &Client, refresh_token: &str, scopes: &[&str]) -> Response {
    let mut fields = vec![("grant_type", "refresh_token"), ("service", "test"), ("refresh_token", refresh_token)];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    post_form(client, "/oauth2/token", &fields)
}
