//! "Content Management": deletes of tags, manifests, blobs and, beyond the specification, of repositories; and the settings that forbid them.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA, SAM};
use serde_json::json;

use super::{Witness, numbered_index, open, push_index};

/// Alice may do everything, Rita all but deleting, Sam deletes and nothing else.
const RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita"], repositories = ["**"], actions = ["pull", "push", "list"] },
  { who = ["user:sam"], repositories = ["**"], actions = ["delete"] },
]"#;

fn delete(client: &Client, repository: &str, what: &str) -> Response {
    client.delete(&format!("/v2/{repository}/{what}"))
}

fn delete_repository(client: &Client, repository: &str) -> Response {
    client.delete(&format!("/acr/v1/{repository}"))
}

/// `a/app` with an image under `v1` and a witness of every change after that.
fn with_image(config: Config) -> (Witness, Server, Client, Image) {
    let (witness, server, client) = Witness::open(config);
    let image = Image::oci(1, &[100]);
    registry::push_image(&client, "a/app", "v1", &image);
    (witness, server, client, image)
}

#[test]
fn a_deleted_tag_is_gone_at_once_and_its_manifest_stays() {
    let (witness, _server, client, image) = with_image(Config::open());
    registry::put_manifest(&client, "a/app", "v2", &image.manifest).expect(201);
    delete(&client, "a/app", "manifests/v1").expect(202);
    registry::get_manifest(&client, "a/app", "v1").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    assert_eq!(registry::tags(&client, "a/app"), ["v2"]);
    registry::assert_whole(&client, "a/app", &image.manifest.digest, &image);
    delete(&client, "a/app", "manifests/v1").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    witness.assert_told(&client, &["push a/app:v1", "push a/app:v2", "delete a/app:v1"]);
}

#[test]
fn a_deleted_manifest_is_gone_at_once_with_every_tag_that_pointed_to_it() {
    let (_server, client) = open();
    let (one, two) = (numbered_index(1), numbered_index(2));
    registry::put_with_tags(&client, "a/app", &one, &["v1", "latest"]).expect(201);
    push_index(&client, "a/app", "v2", &two);
    delete(&client, "a/app", &format!("manifests/{}", one.digest)).expect(202);
    for reference in ["v1", "latest", &one.digest] {
        registry::get_manifest(&client, "a/app", reference).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    }
    assert_eq!(registry::tags(&client, "a/app"), ["v2"]);
    delete(&client, "a/app", &format!("manifests/{}", one.digest)).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
}

#[test]
fn a_delete_in_a_repository_that_is_not_there_is_not_found() {
    let (_server, client) = open();
    let (manifest, blob) = (numbered_index(1).digest, image::empty_config().digest);
    for what in [format!("manifests/{manifest}"), "manifests/v1".to_owned(), format!("blobs/{blob}")] {
        delete(&client, "a/nowhere", &what).expect_error(&[404], &["NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"]);
    }
    delete_repository(&client, "a/nowhere").expect_error(&[404], &["NAME_UNKNOWN"]);
}

#[test]
fn deletes_are_authorised_by_their_action() {
    let server = Server::start(&Config::standard().plugin("rules", RULES));
    let (alice, rita, sam) = (server.client_of(ALICE), server.client_of(RITA), server.client_of(SAM));
    let image = Image::oci(1, &[100]);
    registry::push_image(&alice, "a/app", "v1", &image);
    let loose = registry::push_blob(&alice, "a/app", b"loose");
    let targets = ["manifests/v1".to_owned(), format!("manifests/{}", image.manifest.digest), format!("blobs/{loose}")];
    for client in [rita.clone(), registry::with_token(&rita, &["repository:a/app:pull,push,delete"]), server.client()] {
        for what in &targets {
            delete(&client, "a/app", what).expect_error(&[401, 403], &["DENIED", "UNAUTHORIZED"]);
        }
        delete_repository(&client, "a/app").expect_error(&[401, 403], &["DENIED", "UNAUTHORIZED"]);
    }
    registry::assert_whole(&alice, "a/app", "v1", &image);
    assert_eq!(registry::get_blob(&alice, "a/app", &loose).expect(200).text(), "loose");
    for what in &targets[..1] {
        delete(&sam, "a/app", what).expect(202);
    }
    delete(&registry::with_token(&sam, &["repository:a/app:delete"]), "a/app", &targets[1]).expect(202);
    assert_eq!(registry::tags(&alice, "a/app"), Vec::<String>::new());
}

#[test]
fn deletes_that_are_turned_off_are_all_refused() {
    let (witness, _server, client, image) = with_image(Config::open().registry("deletes.enabled", "false"));
    let loose = registry::push_blob(&client, "a/app", b"loose");
    for what in ["manifests/v1".to_owned(), format!("manifests/{}", image.manifest.digest), format!("blobs/{loose}")] {
        delete(&client, "a/app", &what).expect_error(&[405], &["UNSUPPORTED"]);
    }
    delete_repository(&client, "a/app").expect_error(&[405], &["UNSUPPORTED"]);
    registry::assert_whole(&client, "a/app", "v1", &image);
    assert_eq!(registry::get_blob(&client, "a/app", &loose).expect(200).text(), "loose");
    // Giving up an upload is no delete.
    client.delete(&registry::begin(&client, "a/app")).expect(204);
    witness.assert_told(&client, &["push a/app:v1"]);
}

#[test]
fn what_is_referenced_is_not_deleted_unless_that_is_allowed() {
    for config in [Config::open(), Config::open().registry("deletes.referenced", "\"refuse\"")] {
        let (witness, _server, client, image) = with_image(config);
        let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
        push_index(&client, "a/app", "index", &index);
        for blob in image.blobs() {
            delete(&client, "a/app", &format!("blobs/{}", blob.digest)).expect_error(&[409], &["DENIED"]);
        }
        delete(&client, "a/app", &format!("manifests/{}", image.manifest.digest)).expect_error(&[409], &["DENIED"]);
        registry::assert_whole(&client, "a/app", "v1", &image);
        witness.assert_told(&client, &["push a/app:v1", "push a/app:index"]);
        // From the top down, all of it goes; a tag is not what an index lists.
        delete(&client, "a/app", "manifests/v1").expect(202);
        delete(&client, "a/app", &format!("manifests/{}", index.digest)).expect(202);
        delete(&client, "a/app", &format!("manifests/{}", image.manifest.digest)).expect(202);
        for blob in image.blobs() {
            delete(&client, "a/app", &format!("blobs/{}", blob.digest)).expect(202);
            registry::get_blob(&client, "a/app", &blob.digest).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
        }
    }
}

#[test]
fn what_is_referenced_in_another_repository_alone_is_deleted() {
    let (_witness, _server, client, image) = with_image(Config::open());
    registry::push_image(&client, "b/app", "v1", &image);
    delete(&client, "b/app", &format!("manifests/{}", image.manifest.digest)).expect(202);
    for blob in image.blobs() {
        delete(&client, "b/app", &format!("blobs/{}", blob.digest)).expect(202);
        registry::get_blob(&client, "b/app", &blob.digest).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    }
    registry::assert_whole(&client, "a/app", "v1", &image);
}

#[test]
fn what_is_referenced_is_deleted_where_that_is_allowed() {
    let (_witness, _server, client, image) = with_image(Config::open().registry("deletes.referenced", "\"allow\""));
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    push_index(&client, "a/app", "index", &index);
    let layer = &image.layers[0].digest;
    delete(&client, "a/app", &format!("blobs/{layer}")).expect(202);
    registry::get_blob(&client, "a/app", layer).expect_error(&[404], &["BLOB_UNKNOWN"]);
    delete(&client, "a/app", &format!("manifests/{}", image.manifest.digest)).expect(202);
    registry::get_manifest(&client, "a/app", &image.manifest.digest).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    assert_eq!(registry::tags(&client, "a/app"), ["index"]);
    assert_eq!(registry::get_manifest(&client, "a/app", "index").expect(200).body, index.bytes);
}

#[test]
fn what_is_locked_is_not_deleted() {
    let locked = Config::open().registry("deletes.locked", r#"["release/*", "app:v1"]"#);
    let (witness, _server, client) = Witness::open(locked);
    let (one, two) = (numbered_index(1), numbered_index(2));
    for repository in ["release/app", "app", "release"] {
        push_index(&client, repository, "v1", &one);
        push_index(&client, repository, "v2", &two);
    }
    let loose = registry::push_blob(&client, "release/app", b"loose");
    let digest_of = |index: &Blob| format!("manifests/{}", index.digest);
    for (repository, what) in [
        ("release/app", "manifests/v1".to_owned()),
        ("release/app", digest_of(&two)),
        ("release/app", format!("blobs/{loose}")),
        ("app", "manifests/v1".to_owned()),
        // The way around: the manifest would take its tag with it.
        ("app", digest_of(&one)),
    ] {
        delete(&client, repository, &what).expect_error(&[405], &["UNSUPPORTED"]);
    }
    for repository in ["release/app", "app"] {
        delete_repository(&client, repository).expect_error(&[405], &["UNSUPPORTED"]);
        assert_eq!(registry::tags(&client, repository), ["v1", "v2"], "{repository}");
    }
    assert_eq!(registry::get_blob(&client, "release/app", &loose).expect(200).text(), "loose");
    let pushes = ["release/app", "app", "release"].map(|name| [format!("push {name}:v1"), format!("push {name}:v2")]).concat();
    witness.assert_told(&client, &pushes.iter().map(String::as_str).collect::<Vec<_>>());

    // What no scope names is free, beside a lock too.
    delete(&client, "app", "manifests/v2").expect(202);
    delete(&client, "app", &digest_of(&two)).expect(202);
    delete_repository(&client, "release").expect(202);
}

#[test]
fn what_is_needed_beside_a_lock_stays_though_deleting_it_is_allowed() {
    let config = Config::open().registry("deletes.referenced", "\"allow\"").registry("deletes.locked", r#"["app:v1"]"#);
    let (witness, _server, client) = Witness::open(config);
    let image = Image::oci(1, &[100]);
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    for repository in ["app", "free"] {
        registry::push_image(&client, repository, "child", &image);
        push_index(&client, repository, "v1", &index);
    }
    let loose = registry::push_blob(&client, "app", b"loose");
    let mut needed: Vec<String> = image.blobs().map(|blob| format!("blobs/{}", blob.digest)).collect();
    needed.push(format!("manifests/{}", image.manifest.digest));
    for what in &needed {
        delete(&client, "app", what).expect_error(&[409], &["DENIED"]);
    }
    registry::assert_whole(&client, "app", "child", &image);
    assert_eq!(registry::get_manifest(&client, "app", "v1").expect(200).body, index.bytes);
    let pushes = ["push app:child", "push app:v1", "push free:child", "push free:v1"];
    witness.assert_told(&client, &pushes);

    // What nothing needs goes, and so does all of a repository that no scope names.
    delete(&client, "app", &format!("blobs/{loose}")).expect(202);
    for what in &needed {
        delete(&client, "free", what).expect(202);
    }
}

#[test]
fn everything_is_locked_by_a_scope_of_everything() {
    let (_witness, _server, client, image) = with_image(Config::open().registry("deletes.locked", r#"[""]"#));
    delete(&client, "a/app", "manifests/v1").expect_error(&[405], &["UNSUPPORTED"]);
    delete_repository(&client, "a/app").expect_error(&[405], &["UNSUPPORTED"]);
    registry::assert_whole(&client, "a/app", "v1", &image);
}

#[test]
fn a_deleted_repository_is_gone_with_all_that_it_had() {
    let (_witness, _server, client, image) = with_image(Config::open());
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    push_index(&client, "a/app", "both", &index);
    registry::push_image(&client, "a/app/sub", "v1", &image);
    let answer = delete_repository(&client, "a/app").expect(202).json();
    let mut manifests: Vec<String> = serde_json::from_value(answer["manifestsDeleted"].clone()).unwrap();
    manifests.sort();
    let mut expected = vec![image.manifest.digest.clone(), index.digest.clone()];
    expected.sort();
    assert_eq!(manifests, expected);
    assert_eq!(answer["tagsDeleted"], json!(["both", "v1"]));

    client.get("/v2/a/app/tags/list").expect_error(&[404], &["NAME_UNKNOWN"]);
    for reference in ["v1", "both", &image.manifest.digest, &index.digest] {
        registry::get_manifest(&client, "a/app", reference).expect_error(&[404], &["MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);
    }
    for blob in image.blobs() {
        registry::get_blob(&client, "a/app", &blob.digest).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    }
    // What lies below its name is another repository.
    assert_eq!(registry::repositories(&client), ["a/app/sub"]);
    registry::assert_whole(&client, "a/app/sub", "v1", &image);
    delete_repository(&client, "a/app").expect_error(&[404], &["NAME_UNKNOWN"]);
    registry::push_image(&client, "a/app", "v2", &image);
    assert_eq!(registry::tags(&client, "a/app"), ["v2"]);
}
