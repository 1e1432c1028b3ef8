//! Upload sessions in the wrong hands. Whoever knows where an upload goes on is not yet who began it.

use bulkhead_tests::digest;
use bulkhead_tests::http::Client;
use bulkhead_tests::registry;

use super::{World, access_token};

const BEGUN: &[u8] = b"Rita's ";
const REST: &[u8] = b"own";

/// Nothing that is done to it here finds it.
fn assert_unknown(client: &Client, upload: &str) {
    let digest = digest::sha256(b"stolen");
    for answer in [
        client.get(upload),
        client.request("PATCH", upload).body("stolen").send(),
        client.request("PATCH", upload).header("Content-Range", "7-12").body("stolen").send(),
        client.request("PUT", upload).query("digest", &digest).body("stolen").send(),
        registry::finish(client, upload, &digest::sha256(BEGUN)),
        client.delete(upload),
    ] {
        answer.expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    }
}

/// The upload is as Rita left it, and she ends it.
fn assert_unharmed(world: World, rita: &Client, upload: &str) {
    let status = rita.get(upload).expect(204);
    assert_eq!(status.header("Range"), Some("0-6"), "{status:?}");
    let whole = [BEGUN, REST].concat();
    let digest = digest::sha256(&whole);
    rita.request("PUT", &registry::location(&status)).query("digest", &digest).body(REST).send().expect(201);
    assert_eq!(registry::get_blob(rita, "team/app", &digest).expect(200).body, whole);
    for text in [&b"stolen"[..], BEGUN] {
        registry::get_blob(rita, "team/app", &digest::sha256(text)).expect(404);
    }
    world.assert_unchanged();
}

#[test]
fn an_upload_of_one_user_is_none_of_another() {
    let world = World::new();
    let rita = world.rita();
    let upload = registry::patch(&rita, &registry::begin(&rita, "team/app"), BEGUN);
    let scopes = ["repository:team/app:pull,push"];
    let sams = world.server.client().bearer(&access_token(&world.sam(), &scopes));
    let nobodys = world.server.client().bearer(&access_token(&world.server.client(), &scopes));
    for other in [world.sam(), sams, world.alice()] {
        assert_unknown(&other, &upload);
    }
    for other in [world.server.client(), nobodys] {
        for answer in [other.get(&upload), other.request("PATCH", &upload).body("stolen").send(), other.delete(&upload)] {
            answer.expect(401);
        }
    }
    // It is hers whichever way she shows who she is.
    let again = world.server.client().bearer(&access_token(&rita, &scopes));
    again.get(&upload).expect(204);
    assert_unharmed(world, &rita, &upload);
}

#[test]
fn an_upload_of_one_repository_is_none_of_another() {
    let world = World::new();
    let rita = world.rita();
    let upload = registry::patch(&rita, &registry::begin(&rita, "team/app"), BEGUN);
    for elsewhere in ["team/other", "team/app/below", "team"] {
        let moved = upload.replace("/v2/team/app/", &format!("/v2/{elsewhere}/"));
        assert_ne!(moved, upload);
        assert_unknown(&world.alice(), &moved);
        if elsewhere != "team" {
            assert_unknown(&rita, &moved);
        }
    }
    // Where she may not push she does not learn whether there is one.
    let moved = upload.replace("/v2/team/app/", "/v2/secret/app/");
    for answer in [
        rita.get(&moved),
        rita.request("PATCH", &moved).body("stolen").send(),
        registry::finish(&rita, &moved, &digest::sha256(BEGUN)),
        rita.delete(&moved),
    ] {
        answer.expect_error(&[403], &["DENIED"]);
    }
    // A token for one repository goes on with no upload of another.
    let token = world.server.client().bearer(&access_token(&rita, &["repository:team/other:pull,push"]));
    token.request("PATCH", &upload).body("stolen").send().expect_error(&[401], &["DENIED"]);
    assert_unharmed(world, &rita, &upload);
}

#[test]
fn an_upload_begun_with_a_right_that_is_gone_does_not_end() {
    let world = World::with(super::with_accounts());
    let principals = "/api/v1/registries/default/principals";
    let body = serde_json::json!({ "roles": ["AcrPush"] });
    let made = registry::send_json(&world.alice(), "POST", principals, &body).expect(201).json();
    let (id, secret) = (made["name"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let pusher = world.server.client().basic(id, secret);
    let upload = registry::patch(&pusher, &registry::begin(&pusher, "team/app"), BEGUN);
    world.alice().delete(&format!("{principals}/{id}")).expect(204);
    for answer in [
        pusher.request("PATCH", &upload).body(REST).send(),
        registry::finish(&pusher, &upload, &digest::sha256(BEGUN)),
        pusher.get(&upload),
    ] {
        answer.expect_error(&[401], &["UNAUTHORIZED"]);
    }
    registry::get_blob(&world.alice(), "team/app", &digest::sha256(BEGUN)).expect(404);
    world.assert_unchanged();
}
