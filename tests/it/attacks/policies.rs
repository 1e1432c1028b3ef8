//! Users who may create and not change: a tag that there is stays what it is, whichever way they come.

use bulkhead_tests::image::Image;
use bulkhead_tests::registry;
use bulkhead_tests::users::{ALICE, RITA};

use super::{World, access_token, patient, stored};

/// Tags are written once, whatever they are called.
const WRITE_ONCE: &str = "component = \"builtin:policy-immutable-tags\"\nconfig.tags = [\"*\"]";

#[test]
fn a_user_who_may_only_create_does_not_overwrite_latest() {
    let world = World::with(patient().plugin("write-once", WRITE_ONCE).registry("admission", "[\"write-once\"]"));
    let (alice, rita) = (world.server.client_of(ALICE), world.server.client_of(RITA));
    let first = &world.team;
    registry::put_manifest(&rita, "team/app", "latest", &first.manifest).expect(201);
    let second = Image::oci(3, &[500]);
    for blob in second.blobs() {
        registry::push_blob(&rita, "team/app", &blob.bytes);
    }
    let before = stored(&world.server);
    let token = world.server.client().bearer(&access_token(&rita, &["repository:team/app:pull,push,delete"]));
    for client in [&rita, &token] {
        for answer in [
            registry::put_manifest(client, "team/app", "latest", &second.manifest),
            registry::put_with_tags(client, "team/app", &second.manifest, &["latest"]),
            registry::put_with_tags(client, "team/app", &second.manifest, &["new", "latest"]),
        ] {
            answer.expect_error(&[403], &["DENIED"]);
        }
        // Nor is it taken away to be created anew.
        for target in [
            "/v2/team/app/manifests/latest".to_owned(),
            format!("/v2/team/app/manifests/{}", first.manifest.digest),
            "/acr/v1/team/app/_tags/latest".to_owned(),
            "/acr/v1/team/app".to_owned(),
        ] {
            client.delete(&target).expect_error(&[401, 403], &["DENIED"]);
            alice.delete(&target).expect_error(&[403], &["DENIED"]);
        }
    }
    assert_eq!(registry::tags(&alice, "team/app"), ["1", "latest"]);
    registry::assert_whole(&alice, "team/app", "latest", first);
    registry::get_manifest(&alice, "team/app", &second.manifest.digest).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    assert_eq!(stored(&world.server), before, "something was stored");
    world.witness.assert_told(&alice, &["push team/app:1", "push secret/app:1", "push team/app:latest"]);
}

#[test]
fn a_manifest_that_is_there_is_not_replaced_under_its_digest() {
    let world = World::new();
    let rita = world.rita();
    let digest = &world.team.manifest.digest;
    let mut other = world.secret.manifest.clone();
    other.digest.clone_from(digest);
    registry::put_manifest(&rita, "team/app", digest, &other).expect_error(&[400], &["DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"]);
    // A blob neither: what is pushed under a digest has it.
    let layer = &world.team.layers[0].digest;
    let upload = registry::begin(&rita, "team/app");
    rita.request("PUT", &upload).query("digest", layer).body("not that").send().expect_error(&[400], &["DIGEST_INVALID"]);
    let _ = rita.delete(&upload);
    world.assert_untouched();
}
