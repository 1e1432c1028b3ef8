//! "Pushing Manifests": what is taken and kept as it came, and what is refused.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::http::Client;
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::json;

use super::{Witness, assert_digest, assert_nothing_of, numbered_index, open, open_with, push_index};

/// A server whose `a/app` has the blobs of an image, and no manifest.
fn with_blobs(config: &Config) -> (Server, Client, Image) {
    let (server, client) = open_with(config);
    let image = Image::oci(1, &[100]);
    for blob in image.blobs() {
        registry::push_blob(&client, "a/app", &blob.bytes);
    }
    (server, client, image)
}

/// An index of exactly this many bytes.
fn index_of(bytes: usize) -> Blob {
    let padded = |length: usize| {
        Blob::new(
        media::OCI_INDEX,
        json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [], "annotations": { "padding": "x".repeat(length) } })
            .to_string()
            .into_bytes(),
    )
    };
    let frame = padded(0).bytes.len();
    padded(bytes - frame)
}

/// It comes back as it went in, under its tag and its digest, and at the push's Location.
fn assert_kept(client: &Client, tag: &str, manifest: &Blob) {
    let done = registry::put_manifest(client, "a/app", tag, manifest).expect(201);
    assert_digest(&done, &manifest.digest);
    for target in
        [registry::location(&done), format!("/v2/a/app/manifests/{tag}"), format!("/v2/a/app/manifests/{}", manifest.digest)]
    {
        let pulled = client.request("GET", &target).header("Accept", registry::ACCEPT).send().expect(200);
        assert_eq!(pulled.text(), String::from_utf8_lossy(&manifest.bytes), "{target}");
        assert_eq!(pulled.header("Content-Type"), Some(manifest.media_type.as_str()), "{target}");
    }
}

#[test]
fn the_same_bytes_as_another_type_are_refused_and_change_nothing() {
    let write_once = Config::open()
        .plugin("write-once", "component = \"builtin:policy-immutable-tags\"\nconfig.tags = [\"v*\"]")
        .registry("admission", "[\"write-once\"]");
    for config in [Config::open(), write_once] {
        let (witness, _server, client) = Witness::open(config);
        // It does not say itself what it is.
        let index = Blob::json(media::OCI_INDEX, &json!({ "schemaVersion": 2, "manifests": [] }));
        let as_list = Blob { media_type: media::DOCKER_LIST.to_owned(), ..index.clone() };
        push_index(&client, "a/app", "v1", &index);
        for reference in ["v1", "other", &index.digest] {
            registry::put_manifest(&client, "a/app", reference, &as_list).expect_error(&[400], &["MANIFEST_INVALID"]);
        }
        registry::put_with_tags(&client, "a/app", &as_list, &["v1", "other"]).expect_error(&[400], &["MANIFEST_INVALID"]);
        assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
        for reference in ["v1", &index.digest] {
            let pulled = registry::get_manifest(&client, "a/app", reference).expect(200);
            assert_eq!((pulled.header("Content-Type"), &pulled.body), (Some(media::OCI_INDEX), &index.bytes), "{reference}");
        }
        // As what it is there with, it may come again.
        push_index(&client, "a/app", "v1", &index);
        witness.assert_told(&client, &["push a/app:v1", "push a/app:v1"]);
    }
}

#[test]
fn a_manifest_is_kept_byte_for_byte_with_what_nobody_knows() {
    let (_server, client, image) = with_blobs(&Config::open());
    let (config, layer) = (image.config.descriptor(), image.layers[0].descriptor());
    let media_type = media::OCI_MANIFEST;
    for (tag, text) in [
        (
            "spaced",
            format!(
                "\n\t{{ \"layers\" :[ {layer} ],\r\n\"config\": {config}  ,\"schemaVersion\":2, \"mediaType\":\"{media_type}\"}} \n"
            ),
        ),
        (
            "unknown",
            format!(
                r#"{{"x":{{"y":[1.0,1e5,null]}},"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[{layer}],"zz":"\u00e4ä"}}"#
            ),
        ),
        ("unannounced", format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#)),
        ("unlayered", format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[]}}"#)),
        (
            "annotated",
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[{layer}],"annotations":{{"b":"2","a":"1","":""}}}}"#
            ),
        ),
    ] {
        assert_kept(&client, tag, &Blob::new(media_type, text.into_bytes()));
    }
}

#[test]
fn a_descriptor_with_data_and_other_members_is_kept() {
    let (_server, client, image) = with_blobs(&Config::open());
    let empty = image::empty_config();
    registry::push_blob(&client, "a/app", &empty.bytes);
    let mut config = empty.descriptor();
    config["data"] = json!("e30=");
    config["annotations"] = json!({ "of": "a descriptor" });
    config["unknown"] = json!([1, 2, 3]);
    let mut layer = image.layers[0].descriptor();
    layer["artifactType"] = json!("application/vnd.example.part");
    let value = json!({ "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": "application/vnd.example.thing",
                        "config": config, "layers": [layer, empty.descriptor()] });
    assert_kept(&client, "data", &Blob::json(media::OCI_MANIFEST, &value));
}

#[test]
fn an_index_of_indexes_is_kept() {
    let (_server, client, image) = with_blobs(&Config::open());
    assert_kept(&client, "image", &image.manifest);
    let inner = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    assert_kept(&client, "inner", &inner);
    let outer = Blob::json(
        media::OCI_INDEX,
        &json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "artifactType": "application/vnd.example.release",
                 "manifests": [inner.descriptor(), image.manifest.descriptor()] }),
    );
    assert_kept(&client, "outer", &outer);
}

#[test]
fn parameters_of_the_content_type_are_ignored() {
    let (_server, client, image) = with_blobs(&Config::open());
    for (tag, parameters) in [("spaced", "; charset=utf-8"), ("tight", ";charset=UTF-8"), ("two", "; a=b; c=\"d;e\"")] {
        let media_type = format!("{}{parameters}", media::OCI_MANIFEST);
        registry::put_manifest(&client, "a/app", tag, &Blob { media_type, ..image.manifest.clone() }).expect(201);
        let pulled = registry::get_manifest(&client, "a/app", tag).expect(200);
        assert_eq!(pulled.header("Content-Type"), Some(media::OCI_MANIFEST), "{tag}");
        assert_digest(&pulled, &image.manifest.digest);
    }
}

#[test]
fn docker_manifests_of_schema_1_are_refused_with_a_word_on_what_to_do() {
    let (_server, client, _image) = with_blobs(&Config::open());
    let body =
        json!({ "schemaVersion": 1, "name": "a/app", "tag": "v1", "architecture": "amd64", "fsLayers": [], "history": [] });
    for media_type in
        ["application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws"]
    {
        let manifest = Blob::json(media_type, &body);
        let refused = registry::put_manifest(&client, "a/app", "v1", &manifest).expect_error(&[400, 415], &["MANIFEST_INVALID"]);
        let message = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("schema 1") && message.contains("schema 2"), "{message}");
        assert_nothing_of(&client, "a/app", &manifest.digest);
    }
}

#[test]
fn a_body_that_claims_to_be_both_manifest_and_index_is_refused() {
    let (witness, _server, client) = Witness::open(Config::open());
    let config = image::empty_config();
    registry::push_blob(&client, "a/app", &config.bytes);
    let image = |more| image::bare_manifest(&config, &more);
    let both = [
        image(json!({ "manifests": [] })),
        image(json!({ "mediaType": media::OCI_INDEX, "manifests": [] })),
        image::empty_index(&json!({ "layers": [] })),
        image::empty_index(&json!({ "config": config.descriptor() })),
        image::empty_index(&json!({ "mediaType": media::OCI_MANIFEST })),
        image(json!({ "fsLayers": [{ "blobSum": config.digest }] })),
    ];
    for manifest in &both {
        registry::put_manifest(&client, "a/app", "v1", manifest).expect_error(&[400], &["MANIFEST_INVALID"]);
        registry::put_manifest(&client, "a/app", &manifest.digest, manifest).expect_error(&[400], &["MANIFEST_INVALID"]);
        assert_nothing_of(&client, "a/app", &manifest.digest);
    }
    witness.assert_told(&client, &[]);
}

#[test]
fn a_manifest_of_4_mib_is_taken_and_one_byte_more_is_not() {
    let (witness, _server, client) = Witness::open(Config::open());
    let (most, more) = (index_of(4 << 20), index_of((4 << 20) + 1));
    registry::put_manifest(&client, "a/app", "more", &more).expect_error(&[413], &["SIZE_INVALID", "MANIFEST_INVALID"]);
    assert_nothing_of(&client, "a/app", &more.digest);
    registry::put_manifest(&client, "a/app", "most", &most).expect(201);
    assert!(registry::get_manifest(&client, "a/app", "most").expect(200).body == most.bytes, "the bytes differ");
    witness.assert_told(&client, &["push a/app:most"]);
}

#[test]
fn the_largest_manifest_is_a_setting() {
    let (_server, client) = open_with(&Config::open().registry("limits.manifest-bytes", "\"6MiB\""));
    let (most, more) = (index_of(6 << 20), index_of((6 << 20) + 1));
    registry::put_manifest(&client, "a/app", "more", &more).expect_error(&[413], &["SIZE_INVALID", "MANIFEST_INVALID"]);
    assert_nothing_of(&client, "a/app", &more.digest);
    registry::put_manifest(&client, "a/app", "most", &most).expect(201);
    assert!(registry::get_manifest(&client, "a/app", "most").expect(200).body == most.bytes, "the bytes differ");
}

#[test]
fn a_manifest_by_tag_is_stored_under_the_algorithm_that_was_asked_for() {
    let (_server, client) = open();
    let index = numbered_index(1);
    let sha512 = digest::sha512(&index.bytes);
    push_index(&client, "a/app", "plain", &index);
    push_index(&client, "a/app", "asked?digest-algorithm=sha256", &index);
    let done = registry::put_manifest(&client, "a/app", "long?digest-algorithm=sha512", &index).expect(201);
    assert_digest(&done, &sha512);
    assert!(registry::location(&done).ends_with(&sha512));
    for (reference, digest) in [("plain", &index.digest), ("asked", &index.digest), ("long", &sha512), (&sha512, &sha512)] {
        let pulled = registry::get_manifest(&client, "a/app", reference).expect(200);
        assert_digest(&pulled, digest);
        assert_eq!(pulled.body, index.bytes, "{reference}");
    }
    for algorithm in ["md5", "", "SHA512"] {
        let answer = registry::put_manifest(&client, "a/app", &format!("bad?digest-algorithm={algorithm}"), &index);
        answer.expect_error(&[400], &["DIGEST_INVALID", "UNSUPPORTED"]);
    }
    assert_eq!(registry::tags(&client, "a/app"), ["asked", "long", "plain"]);
}

#[test]
fn content_under_both_algorithms_lies_side_by_side() {
    let (_server, client, image) = with_blobs(&Config::open());
    let bytes = &image.layers[0].bytes;
    let sha512 = digest::sha512(bytes);
    client.request("POST", "/v2/a/app/blobs/uploads/").query("digest", &sha512).body(bytes.clone()).send().expect(201);
    let mut layer = image.layers[0].descriptor();
    layer["digest"] = json!(sha512);
    let mixed = image::manifest(media::OCI_MANIFEST, &image.config, vec![image.layers[0].descriptor(), layer]);
    let mixed = Blob::json(media::OCI_MANIFEST, &mixed);
    assert_kept(&client, "mixed", &mixed);

    let of_mixed = digest::sha512(&mixed.bytes);
    registry::put_manifest(&client, "a/app", &of_mixed, &mixed).expect(201);
    for digest in [&mixed.digest, &of_mixed] {
        let pulled = registry::get_manifest(&client, "a/app", digest).expect(200);
        assert_digest(&pulled, digest);
    }
    client.delete(&format!("/v2/a/app/manifests/{of_mixed}")).expect(202);
    assert_digest(&registry::get_manifest(&client, "a/app", "mixed").expect(200), &mixed.digest);
}
