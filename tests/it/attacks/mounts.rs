//! Mounts that would read for their caller what the caller may not.

use bulkhead_tests::digest;
use bulkhead_tests::http::Client;
use bulkhead_tests::registry;

use super::{World, access_token};

/// What is asked for begins an upload, as if it were nowhere; the upload has nothing of it, and goes.
fn assert_begins_an_upload(world: &World, client: &Client, target: &str) {
    let answer = client.post(target).expect(202);
    world.assert_not_told(target, &answer);
    let upload = registry::location(&answer);
    assert!(upload.starts_with("/v2/team/"), "{upload}");
    let range = client.get(&upload).expect(204);
    assert_eq!(range.header("Range"), Some("0-0"), "{range:?}");
    client.delete(&upload).expect(204);
}

#[test]
fn a_mount_does_not_read_what_the_caller_may_not() {
    let world = World::new();
    let rita = world.rita();
    let scopes = ["repository:team/app:pull,push", "repository:secret/app:pull"];
    let token = world.server.client().bearer(&access_token(&rita, &scopes));
    for blob in world.secret.blobs() {
        for client in [&rita, &token] {
            for target in [
                format!("/v2/team/app/blobs/uploads/?mount={}&from=secret/app", blob.digest),
                format!("/v2/team/app/blobs/uploads/?mount={}&from=secret%2Fapp", blob.digest),
                format!("/v2/team/app/blobs/uploads/?mount={}", blob.digest),
                format!("/v2/team/app/blobs/uploads/?mount={}&from=team/app", blob.digest),
            ] {
                assert_begins_an_upload(&world, client, &target);
            }
            registry::get_blob(client, "team/app", &blob.digest).expect_error(&[404], &["BLOB_UNKNOWN"]);
        }
    }
    // The bytes that lie there already are no proof that she has them.
    let layer = &world.secret.layers[0];
    let empty = registry::begin(&rita, "team/app");
    registry::finish(&rita, &empty, &layer.digest).expect_error(&[400], &["DIGEST_INVALID"]);
    let _ = rita.delete(&empty);
    let part = registry::patch(&rita, &registry::begin(&rita, "team/app"), &layer.bytes[..10]);
    registry::finish(&rita, &part, &layer.digest).expect_error(&[400], &["DIGEST_INVALID"]);
    let _ = rita.delete(&part);
    registry::get_blob(&rita, "team/app", &layer.digest).expect(404);
    world.assert_untouched();
}

#[test]
fn a_mount_and_an_upload_of_what_is_nowhere_are_answered_alike() {
    let world = World::new();
    let rita = world.rita();
    let mut shapes = Vec::new();
    for blob in [world.secret.config.digest.clone(), digest::sha256(b"nowhere")] {
        for from in ["secret/app", "secret/nil"] {
            let answer = rita.post(&format!("/v2/team/app/blobs/uploads/?mount={blob}&from={from}")).expect(202);
            let mut names: Vec<String> = answer.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
            names.sort();
            shapes.push((names, answer.text()));
            rita.delete(&registry::location(&answer)).expect(204);
        }
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    world.assert_untouched();
}

#[test]
fn a_mount_into_what_the_caller_may_not_write_is_refused() {
    let world = World::new();
    let rita = world.rita();
    let blob = &world.team.config.digest;
    let token =
        world.server.client().bearer(&access_token(&rita, &["repository:team/app:pull,push", "repository:secret/app:push"]));
    for target in [
        format!("/v2/secret/app/blobs/uploads/?mount={blob}&from=team/app"),
        format!("/v2/secret/new/blobs/uploads/?mount={blob}&from=team/app"),
        format!("/v2/secret/app/blobs/uploads/?mount={blob}"),
    ] {
        rita.post(&target).expect_error(&[403], &["DENIED"]);
        token.post(&target).expect_error(&[401], &["DENIED"]);
        world.server.client().post(&target).expect_error(&[401], &["UNAUTHORIZED"]);
    }
    registry::get_blob(&world.alice(), "secret/app", blob).expect(404);
    world.assert_untouched();
}
