//! "Listing Referrers" and "Enabling the Referrers API".

use bulkhead_tests::digest;
use bulkhead_tests::http::Client;
use bulkhead_tests::image::{self, Blob, media};
use bulkhead_tests::registry;
use serde_json::{Value, json};

use super::{numbered_index, open, push_index};

const SBOM: &str = "application/vnd.example.sbom.v1+json";
const SIGNATURE: &str = "application/vnd.example.signature.v1";

fn descriptors(client: &Client, subject: &str, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/v2/a/app/referrers/{subject}{query}")).expect(200);
    assert_eq!(answer.header("Content-Type"), Some(media::OCI_INDEX));
    let list = answer.json();
    assert_eq!((&list["schemaVersion"], &list["mediaType"]), (&json!(2), &json!(media::OCI_INDEX)));
    list["manifests"].as_array().expect("manifests are a list").clone()
}

fn digests(client: &Client, subject: &str, query: &str) -> Vec<String> {
    let mut digests: Vec<String> =
        descriptors(client, subject, query).iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect();
    digests.sort();
    digests
}

fn sorted(blobs: &[&Blob]) -> Vec<String> {
    let mut digests: Vec<String> = blobs.iter().map(|blob| blob.digest.clone()).collect();
    digests.sort();
    digests
}

/// A configuration of this type, in `a/app`.
fn config(client: &Client, media_type: &str) -> Blob {
    let config = Blob { media_type: media_type.to_owned(), ..image::empty_config() };
    registry::push_blob(client, "a/app", &config.bytes);
    config
}

fn push(client: &Client, manifest: &Blob) {
    push_index(client, "a/app", &manifest.digest, manifest);
}

/// An index of this type that refers to the subject.
fn referrer(subject: &Blob, artifact_type: &str, note: &str) -> Blob {
    image::empty_index(
        &json!({ "subject": subject.descriptor(), "artifactType": artifact_type, "annotations": { "note": note } }),
    )
}

#[test]
fn a_query_without_referrers_is_answered_with_an_empty_list() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    push(&client, &subject);
    let unknown = digest::sha256(b"unknown");
    for digest in [&subject.digest, &unknown, &digest::sha512(b"unknown")] {
        assert_eq!(descriptors(&client, digest, ""), Vec::<Value>::new());
        assert_eq!(descriptors(&client, digest, "?artifactType=x/y"), Vec::<Value>::new());
    }
    // Nor is a repository that is not there a reason for 404, which clients take for "no such API".
    let nowhere = client.get(&format!("/v2/a/nowhere/referrers/{unknown}")).expect(200);
    assert_eq!(nowhere.json()["manifests"], json!([]));
}

#[test]
fn an_invalid_digest_is_refused() {
    let (_server, client) = open();
    push(&client, &numbered_index(1));
    for digest in ["sha256:short", "sha256", "latest", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
        client.get(&format!("/v2/a/app/referrers/{digest}")).expect_error(&[400], &["DIGEST_INVALID"]);
    }
}

#[test]
fn a_descriptor_tells_type_size_artifact_type_and_annotations() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    push(&client, &subject);
    let (empty, typed) = (config(&client, "application/vnd.oci.empty.v1+json"), config(&client, SIGNATURE));
    let refers = |members: Value| {
        let mut members = members;
        members["subject"] = subject.descriptor();
        members
    };
    let annotations = json!({ "org.opencontainers.image.created": "2022-01-01T14:42:55Z", "ä": "ö", "": "" });
    // The artifact type that each must be listed with: its own, else its config's, else, for an index, none.
    let cases = [
        (image::bare_manifest(&empty, &refers(json!({ "artifactType": SBOM, "annotations": annotations }))), Some(SBOM)),
        (image::bare_manifest(&typed, &refers(json!({}))), Some(SIGNATURE)),
        (
            image::bare_manifest(&typed, &refers(json!({ "artifactType": "", "annotations": { "empty": "type" } }))),
            Some(SIGNATURE),
        ),
        (image::empty_index(&refers(json!({ "artifactType": SBOM, "annotations": annotations }))), Some(SBOM)),
        (image::empty_index(&refers(json!({}))), None),
        (image::empty_index(&refers(json!({ "artifactType": "", "annotations": { "empty": "type" } }))), None),
    ];
    for (manifest, _) in &cases {
        push(&client, manifest);
    }
    let listed = descriptors(&client, &subject.digest, "");
    assert_eq!(listed.len(), cases.len());
    for (manifest, artifact_type) in &cases {
        let entry = listed.iter().find(|entry| entry["digest"] == manifest.digest.as_str()).expect("each is listed");
        let body: Value = serde_json::from_slice(&manifest.bytes).unwrap();
        assert_eq!(entry["mediaType"], manifest.media_type.as_str());
        assert_eq!(entry["size"], manifest.bytes.len());
        assert_eq!(entry.get("artifactType").and_then(Value::as_str), *artifact_type, "{body}");
        assert_eq!(entry.get("annotations"), body.get("annotations"), "{body}");
    }
}

#[test]
fn only_manifests_of_the_same_repository_that_name_the_subject_are_listed() {
    let (_server, client) = open();
    let (subject, other) = (numbered_index(1), numbered_index(2));
    let (mine, elsewhere, of_other) = (referrer(&subject, SBOM, "1"), referrer(&subject, SBOM, "2"), referrer(&other, SBOM, "3"));
    // A chain: what refers to a referrer does not refer to its subject.
    let second = referrer(&mine, SIGNATURE, "4");
    for manifest in [&subject, &mine, &of_other, &second] {
        push(&client, manifest);
    }
    push_index(&client, "a/elsewhere", &elsewhere.digest, &elsewhere);
    push_index(&client, "a/app", "tagged", &mine);
    push_index(&client, "a/app", "index", &image::index(media::OCI_INDEX, &[(&subject, "linux")]));
    assert_eq!(digests(&client, &subject.digest, ""), sorted(&[&mine]));
    assert_eq!(digests(&client, &mine.digest, ""), sorted(&[&second]));
    assert_eq!(digests(&client, &other.digest, ""), sorted(&[&of_other]));
}

#[test]
fn a_filter_is_applied_and_said_to_be() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    let (one, two, three) = (referrer(&subject, SBOM, "1"), referrer(&subject, SBOM, "2"), referrer(&subject, SIGNATURE, "3"));
    let by_config = image::bare_manifest(&config(&client, SIGNATURE), &json!({ "subject": subject.descriptor() }));
    let untyped = image::empty_index(&json!({ "subject": subject.descriptor() }));
    for manifest in [&one, &two, &three, &by_config, &untyped] {
        push(&client, manifest);
    }
    let ask = |filter: &str| {
        client.request("GET", &format!("/v2/a/app/referrers/{}", subject.digest)).query("artifactType", filter).send()
    };
    for (filter, expected) in [(SBOM, sorted(&[&one, &two])), (SIGNATURE, sorted(&[&three, &by_config])), ("x/none", Vec::new())]
    {
        let answer = ask(filter).expect(200);
        assert_eq!(answer.header("OCI-Filters-Applied"), Some("artifactType"), "{filter}");
        assert_eq!(answer.header("Content-Type"), Some(media::OCI_INDEX));
        assert_eq!(digests(&client, &subject.digest, &format!("?artifactType={}", filter.replace('+', "%2B"))), expected);
    }
    // A + that the client did not encode.
    assert_eq!(digests(&client, &subject.digest, &format!("?artifactType={SBOM}")), sorted(&[&one, &two]));
    let all = client.get(&format!("/v2/a/app/referrers/{}", subject.digest)).expect(200);
    assert_eq!(all.header("OCI-Filters-Applied"), None, "no filter was asked for");
    assert_eq!(digests(&client, &subject.digest, "").len(), 5);
}

#[test]
fn what_clients_list_under_the_referrers_tag_is_found() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    push_index(&client, "a/app", "v1", &subject);
    let (one, two) = (referrer(&subject, SBOM, "1"), referrer(&subject, SIGNATURE, "2"));
    // As a client does that knows no referrers API: the manifest, then the list under the tag of the subject's digest.
    let tag = subject.digest.replace(':', "-");
    for pushed in [&[&one][..], &[&one, &two]] {
        push(&client, pushed[pushed.len() - 1]);
        let entries: Vec<Value> = pushed.iter().map(|manifest| manifest.descriptor()).collect();
        let list = image::empty_index(&json!({ "manifests": entries }));
        push_index(&client, "a/app", &tag, &list);
        assert_eq!(digests(&client, &subject.digest, ""), sorted(pushed), "the API has what was pushed, and not the list itself");
        assert_eq!(
            registry::get_manifest(&client, "a/app", &tag).expect(200).body,
            list.bytes,
            "the tag is as the client has it"
        );
    }
}

#[test]
fn deletes_keep_the_list_right() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    let (one, two) = (referrer(&subject, SBOM, "1"), referrer(&subject, SBOM, "2"));
    for manifest in [&subject, &one, &two] {
        push(&client, manifest);
    }
    push_index(&client, "a/app", "sbom", &one);
    // A tag alone takes nothing from the list.
    client.delete("/v2/a/app/manifests/sbom").expect(202);
    assert_eq!(digests(&client, &subject.digest, ""), sorted(&[&one, &two]));
    client.delete(&format!("/v2/a/app/manifests/{}", one.digest)).expect(202);
    assert_eq!(digests(&client, &subject.digest, ""), sorted(&[&two]));
    // Pushed again, it is listed again, once.
    push(&client, &one);
    push(&client, &one);
    assert_eq!(digests(&client, &subject.digest, ""), sorted(&[&one, &two]));
    // Without its subject, what is listed is there, and what is there is listed.
    client.delete(&format!("/v2/a/app/manifests/{}", subject.digest)).expect(202);
    let listed = digests(&client, &subject.digest, "");
    for referrer in [&one, &two] {
        let there = client.head(&format!("/v2/a/app/manifests/{}", referrer.digest)).status == 200;
        assert_eq!(there, listed.contains(&referrer.digest), "{listed:?}");
    }
}
