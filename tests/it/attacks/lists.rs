//! Lists that tell names, and refusals that tell whether something is there.

use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry::{self, next_page};
use serde_json::Value;

use super::{World, access_token};

/// Everything that says `secret`, in the head or the body.
fn assert_silent(what: &str, answer: &Response) {
    let head: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    assert!(!head.contains("secret") && !answer.text().contains("secret"), "{what} tells:\n{head}\n{}", answer.text());
}

#[test]
fn the_catalog_names_nothing_that_the_caller_may_not_read() {
    let world = World::new();
    let token = world.server.client().bearer(&access_token(&world.rita(), &["registry:catalog:*"]));
    for client in [world.rita(), token] {
        for target in [
            "/v2/_catalog",
            "/v2/_catalog?n=1",
            "/v2/_catalog?n=1&last=a",
            "/v2/_catalog?n=1&last=s",
            "/v2/_catalog?n=1&last=t",
            "/v2/_catalog?n=0",
            "/v2/_catalog?n=99999999999999999999",
            "/v2/_catalog?last=",
        ] {
            let mut page = Some(target.to_owned());
            while let Some(target) = page {
                let answer = client.get(&target).expect(200);
                assert_silent(&target, &answer);
                page = next_page(&answer);
            }
        }
        assert_eq!(registry::repositories(&client), ["team/app"]);
    }
    world.assert_untouched();
}

#[test]
fn who_may_not_ask_for_the_catalog_learns_nothing_from_it() {
    let world = World::new();
    let pulls = world.server.client().bearer(&access_token(&world.rita(), &["repository:team/app:pull"]));
    let nobody = world.server.client().bearer(&access_token(&world.server.client(), &["registry:catalog:*"]));
    for client in [world.server.client(), pulls, nobody] {
        for target in ["/v2/_catalog", "/v2/_catalog?n=1", "/v2/_catalog?n=1&last=s"] {
            assert_silent(target, &client.get(target).expect_error(&[401], &["UNAUTHORIZED", "DENIED"]));
        }
    }
    world.assert_untouched();
}

/// Status, headers but for those that count requests, and the body, with the repository's name left out.
fn shape(answer: &Response, name: &str) -> (u16, Vec<(String, String)>, Value) {
    let kept = |(header, _): &&(String, String)| !["date", "x-request-id"].contains(&header.to_lowercase().as_str());
    let blank = |text: &str| text.replace(name, "NAME");
    let headers = answer.headers.iter().filter(kept).map(|(header, value)| (header.clone(), blank(value)));
    let lengthless = headers.filter(|(header, _)| !header.eq_ignore_ascii_case("content-length")).collect();
    (answer.status, lengthless, serde_json::from_str(&blank(&answer.text())).unwrap_or_default())
}

fn ask(client: &Client, name: &str, manifest: &str, blob: &str) -> Vec<Response> {
    vec![
        client.get(&format!("/v2/{name}/tags/list")),
        client.get(&format!("/v2/{name}/tags/list?n=1")),
        client.get(&format!("/v2/{name}/manifests/1")),
        client.get(&format!("/v2/{name}/manifests/{manifest}")),
        client.head(&format!("/v2/{name}/manifests/1")),
        client.get(&format!("/v2/{name}/blobs/{blob}")),
        client.head(&format!("/v2/{name}/blobs/{blob}")),
        client.get(&format!("/v2/{name}/referrers/{manifest}")),
        client.get(&format!("/acr/v1/{name}")),
        client.get(&format!("/acr/v1/{name}/_tags/1")),
        client.get(&format!("/acr/v1/{name}/_manifests/{manifest}")),
        client.post(&format!("/v2/{name}/blobs/uploads/")),
        client.delete(&format!("/v2/{name}/manifests/1")),
        client.delete(&format!("/acr/v1/{name}")),
    ]
}

#[test]
fn a_refusal_does_not_tell_whether_there_is_anything() {
    let world = World::new();
    let (manifest, blob) = (world.secret.manifest.digest.clone(), world.secret.config.digest.clone());
    let absent = digest::sha256(b"nowhere");
    let token =
        world.server.client().bearer(&access_token(&world.rita(), &["repository:secret/app:pull", "repository:team/app:pull"]));
    for client in [world.rita(), token, world.server.client()] {
        let there = ask(&client, "secret/app", &manifest, &blob);
        let nowhere = ask(&client, "secret/nil", &absent, &absent);
        for (number, (there, nowhere)) in there.iter().zip(&nowhere).enumerate() {
            assert!(matches!(there.status, 401 | 403), "{number}: {there:?}");
            assert_eq!(shape(there, "secret/app"), shape(nowhere, "secret/nil"), "{number}");
        }
    }
    world.assert_untouched();
}

#[test]
fn a_push_does_not_tell_what_lies_elsewhere() {
    let world = World::new();
    // Rita says that an image of hers is made of what Alice alone may read, and learns no more than of what is nowhere.
    let refused = registry::put_manifest(&world.rita(), "team/app", "2", &world.secret.manifest);
    let missing = |answer: &Response| -> Vec<Value> {
        answer.json()["errors"].as_array().unwrap().iter().map(|error| error["detail"]["digest"].clone()).collect()
    };
    let refused = refused.expect_error(&[400], &["MANIFEST_BLOB_UNKNOWN"]);
    assert_eq!(missing(&refused).len(), 2, "all of it is missing: {}", refused.text());
    let nowhere = bulkhead_tests::image::Image::oci(77, &[1000]);
    let other = registry::put_manifest(&world.rita(), "team/app", "2", &nowhere.manifest);
    assert_eq!(missing(&other.expect_error(&[400], &["MANIFEST_BLOB_UNKNOWN"])).len(), 2);
    for blob in world.secret.blobs() {
        registry::get_blob(&world.rita(), "team/app", &blob.digest).expect_error(&[404], &["BLOB_UNKNOWN"]);
    }
    registry::get_manifest(&world.rita(), "team/app", &world.secret.manifest.digest).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    world.assert_untouched();
}
