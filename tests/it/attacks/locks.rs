//! Locks as Azure Container Registry has them, one test for each kind, and the ways around them. What a lock forbids is answered with 405,
//! leaves everything as it is, and works again when the lock is gone.

use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::{self, Image};
use bulkhead_tests::registry::{self, send_json};
use serde_json::json;

use super::{World, access_token, stored};

/// Sets one attribute, and sees that it is set.
fn set(world: &World, place: &str, attribute: &str, value: bool) {
    let answer =
        send_json(&world.alice(), "PATCH", &format!("/acr/v1/team/app{place}"), &json!({ attribute: value })).expect(200);
    let answer = answer.json();
    let shown = ["manifest", "tag"].iter().find_map(|noun| answer.get(noun)).unwrap_or(&answer);
    assert_eq!(shown["changeableAttributes"][attribute], json!(value), "{answer}");
}

fn lock(world: &World, place: &str, attribute: &str) {
    set(world, place, attribute, false);
}

fn unlock(world: &World, place: &str, attribute: &str) {
    set(world, place, attribute, true);
}

/// Refused by a lock, in the words that scripts look for.
fn assert_locked(what: &str, answer: Response, attribute: &str) {
    assert_eq!(answer.status, 405, "{what}: {answer:?}\n{}", answer.text());
    assert!(answer.header("Allow").is_some(), "{what}: {answer:?}");
    if !answer.body.is_empty() {
        let answer = answer.expect_error(&[405], &["UNSUPPORTED"]);
        let said = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("The operation is disallowed on this registry, repository or image"), "{what}: {said}");
        assert!(said.contains(attribute), "{what}: {said}");
    }
}

/// Every way to pull what `team/app` has, by the place that a lock would be on.
fn pulls(world: &World, client: &Client) -> Vec<(String, Response)> {
    let (manifest, blob) = (&world.team.manifest.digest, &world.team.layers[0].digest);
    let gets = [
        "manifests/1".to_owned(),
        format!("manifests/{manifest}"),
        format!("blobs/{blob}"),
        "tags/list".to_owned(),
        format!("referrers/{manifest}"),
    ];
    let targets = gets.iter().map(|what| format!("/v2/team/app/{what}"));
    let answer = |target: String| {
        let answer = client.request("GET", &target).header("Accept", registry::ACCEPT).send();
        (target, answer)
    };
    let mut answers: Vec<_> = targets.map(answer).collect();
    for what in [format!("manifests/{manifest}"), format!("blobs/{blob}")] {
        let target = format!("/v2/team/app/{what}");
        answers.push((format!("HEAD {target}"), client.head(&target)));
    }
    answers
}

/// Every way to delete something of `team/app`, the safest first.
fn deletes(world: &World, client: &Client) -> Vec<(String, Response)> {
    let (manifest, blob) = (&world.team.manifest.digest, &world.team.layers[0].digest);
    let targets = [
        "/v2/team/app/manifests/1".to_owned(),
        format!("/v2/team/app/manifests/{manifest}"),
        "/acr/v1/team/app/_tags/1".to_owned(),
        "/acr/v1/team/app".to_owned(),
        format!("/v2/team/app/blobs/{blob}"),
    ];
    targets.map(|target| (target.clone(), client.delete(&target))).into()
}

#[test]
fn a_repository_that_may_not_be_read_is_pulled_by_nobody() {
    let world = World::new();
    lock(&world, "", "readEnabled");
    let token = registry::with_token(&world.rita(), &["repository:team/app:pull,push"]);
    for client in [world.alice(), world.rita(), token] {
        for (what, answer) in pulls(&world, &client) {
            assert!(!answer.text().contains(&world.team.config.digest), "{what} was sent");
            assert_locked(&what, answer, "readEnabled");
        }
    }
    // Nor is it read by mounting from it.
    for from in ["&from=team/app", ""] {
        let target = format!("/v2/team/other/blobs/uploads/?mount={}{from}", world.team.layers[0].digest);
        let upload = registry::location(&world.rita().post(&target).expect(202));
        world.rita().delete(&upload).expect(204);
    }
    registry::get_blob(&world.alice(), "team/other", &world.team.layers[0].digest).expect(404);
    unlock(&world, "", "readEnabled");
    world.assert_untouched();
}

#[test]
fn a_repository_that_may_not_be_written_takes_nothing_and_loses_nothing() {
    let world = World::new();
    let rita = world.rita();
    let upload = registry::patch(&rita, &registry::begin(&rita, "team/app"), b"begun");
    lock(&world, "", "writeEnabled");
    let before = stored(&world.server);
    let (config, other) = (&world.secret.config, digest::sha256(b"other"));
    for client in [
        world.alice(),
        world.server.client().bearer(&access_token(&world.alice(), &["repository:team/app:*", "repository:secret/app:*"])),
    ] {
        for answer in [
            client.post("/v2/team/app/blobs/uploads/"),
            client.request("POST", "/v2/team/app/blobs/uploads/").query("digest", &other).body("other").send(),
            client.post(&format!("/v2/team/app/blobs/uploads/?mount={}&from=secret/app", config.digest)),
            registry::put_manifest(&client, "team/app", "2", &world.team.manifest),
            registry::put_manifest(&client, "team/app", "1", &image::empty_index(&json!({}))),
            registry::put_with_tags(&client, "team/app", &image::empty_index(&json!({})), &["3"]),
        ] {
            assert_locked("a push", answer, "writeEnabled");
        }
        for (what, answer) in deletes(&world, &client) {
            assert_locked(&what, answer, "writeEnabled");
        }
    }
    // What was begun before does not end, either.
    assert_locked("a chunk", rita.request("PATCH", &upload).body(" more").send(), "writeEnabled");
    assert_locked("the end", registry::finish(&rita, &upload, &digest::sha256(b"begun")), "writeEnabled");
    assert_eq!(stored(&world.server), before, "something was stored");
    registry::assert_whole(&rita, "team/app", "1", &world.team);
    unlock(&world, "", "writeEnabled");
    for absent in [&config.digest, &other, &digest::sha256(b"begun")] {
        registry::get_blob(&rita, "team/app", absent).expect(404);
    }
    rita.delete(&upload).expect(204);
    world.assert_untouched();
}

#[test]
fn a_repository_that_may_not_be_deleted_loses_nothing_and_takes_pushes() {
    let world = World::new();
    lock(&world, "", "deleteEnabled");
    for (what, answer) in deletes(&world, &world.alice()) {
        assert_locked(&what, answer, "deleteEnabled");
    }
    assert_eq!(stored(&world.server), world.before);
    registry::put_manifest(&world.rita(), "team/app", "1", &world.team.manifest).expect(201);
    unlock(&world, "", "deleteEnabled");
    let alice = world.alice();
    registry::assert_whole(&alice, "team/app", "1", &world.team);
    alice.delete("/acr/v1/team/app").expect(202);
    assert_eq!(registry::repositories(&alice), ["secret/app"]);
}

#[test]
fn a_repository_that_may_not_be_listed_is_in_no_catalog() {
    let world = World::new();
    lock(&world, "", "listEnabled");
    assert_eq!(registry::repositories(&world.alice()), ["secret/app"]);
    assert_eq!(registry::repositories(&world.rita()), Vec::<String>::new());
    let pages = registry::pages(&world.alice(), "/v2/_catalog?n=1", "repositories");
    assert_eq!(pages.concat(), ["secret/app"]);
    registry::assert_whole(&world.rita(), "team/app", "1", &world.team);
    unlock(&world, "", "listEnabled");
    world.assert_untouched();
}

#[test]
fn a_manifest_that_may_not_be_read_is_pulled_neither_by_digest_nor_by_any_tag() {
    let world = World::new();
    let place = format!("/_manifests/{}", world.team.manifest.digest);
    lock(&world, &place, "readEnabled");
    for client in [world.alice(), world.rita()] {
        for reference in ["1", &world.team.manifest.digest] {
            let answer = registry::get_manifest(&client, "team/app", reference);
            assert!(!answer.text().contains(&world.team.config.digest), "{reference} was sent");
            assert_locked(reference, answer, "readEnabled");
            assert_locked(reference, client.head(&format!("/v2/team/app/manifests/{reference}")), "readEnabled");
        }
    }
    // A new tag on it shows no more.
    registry::put_manifest(&world.rita(), "team/app", "again", &world.team.manifest).expect(201);
    assert_locked("another tag", registry::get_manifest(&world.rita(), "team/app", "again"), "readEnabled");
    unlock(&world, &place, "readEnabled");
    registry::assert_whole(&world.rita(), "team/app", "again", &world.team);
}

#[test]
fn a_manifest_that_may_not_be_written_or_deleted_stays_and_so_does_what_it_is_made_of() {
    for attribute in ["writeEnabled", "deleteEnabled"] {
        let world = World::new();
        let place = format!("/_manifests/{}", world.team.manifest.digest);
        lock(&world, &place, attribute);
        let alice = world.alice();
        let digest = &world.team.manifest.digest;
        assert_locked("by digest", alice.delete(&format!("/v2/team/app/manifests/{digest}")), attribute);
        assert_locked("the repository", alice.delete("/acr/v1/team/app"), attribute);
        for blob in world.team.blobs() {
            let answer = alice.delete(&format!("/v2/team/app/blobs/{}", blob.digest));
            assert!(matches!(answer.status, 405 | 409), "{answer:?}\n{}", answer.text());
        }
        unlock(&world, &place, attribute);
        world.assert_untouched();
    }
}

#[test]
fn a_manifest_that_may_not_be_listed_is_no_referrer() {
    let world = World::new();
    let alice = world.alice();
    let referrer = image::empty_index(
        &json!({ "artifactType": "application/vnd.example.note", "subject": world.team.manifest.descriptor() }),
    );
    registry::put_manifest(&alice, "team/app", &referrer.digest, &referrer).expect(201);
    let listed = || {
        let answer = world.rita().get(&format!("/v2/team/app/referrers/{}", world.team.manifest.digest)).expect(200).json();
        answer["manifests"].as_array().unwrap().iter().map(|entry| entry["digest"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(), [json!(referrer.digest)]);
    let place = format!("/_manifests/{}", referrer.digest);
    lock(&world, &place, "listEnabled");
    assert!(listed().is_empty());
    assert_eq!(registry::get_manifest(&world.rita(), "team/app", &referrer.digest).expect(200).body, referrer.bytes);
    unlock(&world, &place, "listEnabled");
    assert_eq!(listed(), [json!(referrer.digest)]);
}

#[test]
fn a_tag_that_may_not_be_read_pulls_nothing_and_the_digest_does() {
    let world = World::new();
    lock(&world, "/_tags/1", "readEnabled");
    for client in [world.alice(), world.rita()] {
        let answer = registry::get_manifest(&client, "team/app", "1");
        assert!(!answer.text().contains(&world.team.config.digest), "the manifest was sent");
        assert_locked("the tag", answer, "readEnabled");
        assert_locked("the tag", client.head("/v2/team/app/manifests/1"), "readEnabled");
    }
    registry::assert_whole(&world.rita(), "team/app", &world.team.manifest.digest, &world.team);
    unlock(&world, "/_tags/1", "readEnabled");
    world.assert_untouched();
}

#[test]
fn a_tag_that_may_not_be_written_neither_moves_nor_goes() {
    let world = World::new();
    lock(&world, "/_tags/1", "writeEnabled");
    let (alice, other) = (world.alice(), image::empty_index(&json!({})));
    for answer in [
        registry::put_manifest(&alice, "team/app", "1", &other),
        registry::put_with_tags(&alice, "team/app", &other, &["1"]),
        registry::put_with_tags(&alice, "team/app", &other, &["2", "1"]),
        registry::put_manifest(&world.rita(), "team/app", "1", &other),
    ] {
        assert_locked("a move", answer, "writeEnabled");
    }
    assert_tag_stays(&world, "writeEnabled");
    registry::get_manifest(&alice, "team/app", &other.digest).expect(404);
    unlock(&world, "/_tags/1", "writeEnabled");
    world.assert_untouched();
}

#[test]
fn a_tag_that_may_not_be_deleted_does_not_go() {
    let world = World::new();
    lock(&world, "/_tags/1", "deleteEnabled");
    assert_tag_stays(&world, "deleteEnabled");
    unlock(&world, "/_tags/1", "deleteEnabled");
    world.assert_untouched();
}

/// It is deleted neither by its name nor with what it points to nor with its repository.
fn assert_tag_stays(world: &World, attribute: &str) {
    let alice = world.alice();
    for target in [
        "/v2/team/app/manifests/1".to_owned(),
        "/acr/v1/team/app/_tags/1".to_owned(),
        format!("/v2/team/app/manifests/{}", world.team.manifest.digest),
        "/acr/v1/team/app".to_owned(),
    ] {
        assert_locked(&target, alice.delete(&target), attribute);
    }
    for blob in world.team.blobs() {
        let answer = alice.delete(&format!("/v2/team/app/blobs/{}", blob.digest));
        assert!(matches!(answer.status, 405 | 409), "{answer:?}\n{}", answer.text());
    }
    registry::assert_whole(&alice, "team/app", "1", &world.team);
}

#[test]
fn a_tag_that_may_not_be_listed_is_in_no_list() {
    let world = World::new();
    registry::put_manifest(&world.alice(), "team/app", "2", &world.team.manifest).expect(201);
    lock(&world, "/_tags/1", "listEnabled");
    for client in [world.alice(), world.rita()] {
        assert_eq!(registry::tags(&client, "team/app"), ["2"]);
        assert_eq!(registry::pages(&client, "/v2/team/app/tags/list?n=1", "tags").concat(), ["2"]);
    }
    registry::assert_whole(&world.rita(), "team/app", "1", &world.team);
    unlock(&world, "/_tags/1", "listEnabled");
    assert_eq!(registry::tags(&world.rita(), "team/app"), ["1", "2"]);
}

#[test]
fn no_other_tag_and_no_detour_takes_away_what_a_locked_tag_points_to() {
    let config = super::patient().registry("deletes.referenced", "\"allow\"");
    let world = World::with(config);
    let alice = world.alice();
    let index = image::index(image::media::OCI_INDEX, &[(&world.team.manifest, "linux")]);
    registry::put_manifest(&alice, "team/app", "all", &index).expect(201);
    registry::put_manifest(&alice, "team/app", "other", &world.team.manifest).expect(201);
    lock(&world, "/_tags/1", "deleteEnabled");
    lock(&world, "/_tags/all", "writeEnabled");
    let before = stored(&world.server);
    let (manifest, index) = (&world.team.manifest.digest, &index.digest);
    for (target, attribute) in [
        (format!("/v2/team/app/manifests/{manifest}"), "Enabled"),
        (format!("/v2/team/app/manifests/{index}"), "writeEnabled"),
        ("/v2/team/app/manifests/all".to_owned(), "writeEnabled"),
        ("/acr/v1/team/app".to_owned(), "Enabled"),
    ] {
        assert_locked(&target, alice.delete(&target), attribute);
    }
    for blob in world.team.blobs() {
        let answer = alice.delete(&format!("/v2/team/app/blobs/{}", blob.digest));
        assert!(matches!(answer.status, 405 | 409), "{answer:?}\n{}", answer.text());
    }
    // The other tag is free to go, and takes nothing along.
    alice.delete("/v2/team/app/manifests/other").expect(202);
    assert_locked("by digest", alice.delete(&format!("/v2/team/app/manifests/{manifest}")), "Enabled");
    assert_eq!(stored(&world.server), before);
    assert_eq!(registry::tags(&alice, "team/app"), ["1", "all"]);
    registry::assert_whole(&alice, "team/app", "1", &world.team);
    // Neither is it enough to free one of the two.
    unlock(&world, "/_tags/1", "deleteEnabled");
    let answer = alice.delete(&format!("/v2/team/app/manifests/{manifest}"));
    assert!(matches!(answer.status, 405 | 409), "what the locked index needs: {answer:?}\n{}", answer.text());
    registry::assert_whole(&alice, "team/app", "1", &world.team);
}

#[test]
fn who_may_push_takes_no_lock_away() {
    let world = World::new();
    lock(&world, "/_tags/1", "writeEnabled");
    let digest = &world.team.manifest.digest;
    let free = json!({ "writeEnabled": true, "deleteEnabled": true });
    let token = world.server.client().bearer(&access_token(&world.rita(), &["repository:team/app:*"]));
    for place in ["", "/_tags/1", &format!("/_manifests/{digest}")] {
        let target = format!("/acr/v1/team/app{place}");
        send_json(&world.rita(), "PATCH", &target, &free).expect_error(&[403], &["DENIED"]);
        send_json(&token, "PATCH", &target, &free).expect_error(&[401], &["DENIED"]);
        send_json(&world.server.client(), "PATCH", &target, &free).expect_error(&[401], &["UNAUTHORIZED"]);
    }
    for wrong in [
        json!({ "writeEnabled": "true" }),
        json!({ "writeenabled": true }),
        json!([true]),
        json!({ "writeEnabled": true, "more": 1 }),
    ] {
        let answer = send_json(&world.alice(), "PATCH", "/acr/v1/team/app/_tags/1", &wrong);
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}\n{}", answer.text());
    }
    let other = Image::oci(9, &[]);
    registry::push_blob(&world.rita(), "team/app", &other.config.bytes);
    assert_locked("a move", registry::put_manifest(&world.rita(), "team/app", "1", &other.manifest), "writeEnabled");
    unlock(&world, "/_tags/1", "writeEnabled");
    world.assert_unchanged();
}

#[test]
fn a_lock_outlives_a_restart_and_a_kill() {
    let mut world = World::new();
    lock(&world, "/_tags/1", "deleteEnabled");
    lock(&world, "", "listEnabled");
    world.server.restart();
    assert_tag_stays(&world, "deleteEnabled");
    world.server.kill9();
    world.server.restart();
    assert_tag_stays(&world, "deleteEnabled");
    assert_eq!(registry::repositories(&world.alice()), ["secret/app"]);
    unlock(&world, "", "listEnabled");
    unlock(&world, "/_tags/1", "deleteEnabled");
    world.assert_untouched();
}
