//! What is taken as a manifest, and what is refused.

use super::*;

const CONFIG: &str = r#"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":2}"#;

fn parse(content_type: &str, body: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(Some(&content_type.parse().unwrap()), body.as_bytes())
}

#[test]
fn an_image_manifest_names_its_config_and_layers() {
    let body = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[{CONFIG}],"annotations":{{"a":"b"}}}}"#);
    let manifest = parse(MediaType::OCI_MANIFEST, &body).unwrap();
    assert_eq!((manifest.kind, manifest.blobs.len(), manifest.manifests.len()), (ManifestKind::Image, 2, 0));
    assert_eq!(manifest.artifact_type.as_deref(), Some("application/vnd.oci.image.config.v1+json"));
    assert_eq!(manifest.annotations["a"], "b");
}

#[test]
fn a_layer_with_urls_may_lie_elsewhere() {
    let layer = CONFIG.replace("\"size\":2", "\"size\":2,\"urls\":[\"https://example.com/layer\"]");
    let body = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[{layer}]}}"#);
    let manifest = parse(MediaType::DOCKER_MANIFEST, &body).unwrap();
    assert_eq!(manifest.blobs.iter().map(|blob| blob.foreign).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_type_that_contradicts_the_body_is_refused() {
    let image = format!(r#"{{"schemaVersion":2,"mediaType":"{}","config":{CONFIG},"layers":[]}}"#, MediaType::OCI_MANIFEST);
    assert!(matches!(parse(MediaType::OCI_INDEX, &image), Err(ManifestError::Contradiction(_))));
    let both = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[],"manifests":[]}}"#);
    assert!(matches!(parse(MediaType::OCI_MANIFEST, &both), Err(ManifestError::Contradiction(_))));
    assert!(matches!(parse(MediaType::OCI_INDEX, &both), Err(ManifestError::Contradiction(_))));
}

#[test]
fn schema_1_and_unknown_types_are_refused_with_the_reason() {
    let body = r#"{"schemaVersion":1,"fsLayers":[]}"#;
    assert!(
        matches!(parse(MediaType::DOCKER_SCHEMA1_SIGNED, body), Err(ManifestError::Unsupported(text)) if text.contains("schema 1"))
    );
    assert!(matches!(parse("text/plain", "{}"), Err(ManifestError::Unsupported(_))));
}

#[test]
fn what_is_no_json_or_has_a_bad_digest_is_malformed() {
    assert!(matches!(parse(MediaType::OCI_MANIFEST, "{"), Err(ManifestError::Malformed(_))));
    let body = format!(r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#, CONFIG.replace("sha256:e3", "sha256:E3"));
    assert!(matches!(parse(MediaType::OCI_MANIFEST, &body), Err(ManifestError::Malformed(_))));
}

#[test]
fn an_index_lists_manifests_and_needs_everything_else_as_blobs() {
    let manifest = CONFIG.replace("config.v1", "manifest.v1");
    let body = format!(r#"{{"schemaVersion":2,"manifests":[{manifest},{CONFIG}]}}"#);
    let index = parse(MediaType::OCI_INDEX, &body).unwrap();
    assert_eq!((index.kind, index.manifests.len(), index.blobs.len()), (ManifestKind::Index, 1, 1));
}

#[test]
fn a_list_that_is_null_is_empty_and_one_that_is_absent_is_missing() {
    let image = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":null}}"#);
    assert_eq!(parse(MediaType::OCI_MANIFEST, &image).unwrap().blobs.len(), 1);
    assert!(parse(MediaType::OCI_INDEX, r#"{"schemaVersion":2,"manifests":null}"#).unwrap().manifests.is_empty());
    let absent = format!(r#"{{"schemaVersion":2,"config":{CONFIG}}}"#);
    assert!(matches!(parse(MediaType::OCI_MANIFEST, &absent), Err(ManifestError::Contradiction(_))));
}

#[test]
fn an_index_says_what_its_entries_run_on() {
    let entry = |platform: &str| {
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        format!(r#"{{"mediaType":"{}","digest":"{digest}","size":2{platform}}}"#, MediaType::OCI_MANIFEST)
    };
    let entries =
        [entry(r#","platform":{"architecture":"amd64","os":"linux"}"#), entry(r#","platform":{"os":"linux"}"#), entry("")];
    let body = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    let index = parse(MediaType::OCI_INDEX, &body).unwrap();
    let platforms: Vec<_> =
        index.manifests.iter().map(|entry| entry.platform.as_ref().map(|p| (&*p.os, &*p.architecture))).collect();
    assert_eq!(platforms, [Some(("linux", "amd64")), Some(("linux", "")), None]);
    assert!(index.config().is_none());
}

#[test]
fn a_field_that_only_some_clients_take_for_another_is_refused() {
    for field in ["Layers", "MEDIATYPE", "manifest\u{17f}", "Subject"] {
        let body = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[],"{field}":[]}}"#);
        assert!(matches!(parse(MediaType::OCI_MANIFEST, &body), Err(ManifestError::Contradiction(_))), "{field}");
    }
    let body = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[],"Layer":[],"org.example":1}}"#);
    assert!(parse(MediaType::OCI_MANIFEST, &body).is_ok());
}

#[test]
fn an_empty_artifact_type_is_none() {
    let image = format!(r#"{{"schemaVersion":2,"artifactType":"","config":{CONFIG},"layers":[]}}"#);
    let image = parse(MediaType::OCI_MANIFEST, &image).unwrap();
    assert_eq!(image.artifact_type.as_deref(), Some("application/vnd.oci.image.config.v1+json"));
    let index = parse(MediaType::OCI_INDEX, r#"{"schemaVersion":2,"artifactType":"","manifests":[]}"#).unwrap();
    assert_eq!(index.artifact_type, None);
}

#[test]
fn such_a_field_is_refused_in_descriptors_and_platforms_too() {
    let layer = CONFIG.replace("\"size\":2", "\"size\":2,\"Digest\":\"sha256:0\",\"Size\":7");
    let body = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[{layer}]}}"#);
    assert!(matches!(parse(MediaType::OCI_MANIFEST, &body), Err(ManifestError::Contradiction(_))));
    let entry = CONFIG.replace("\"size\":2", "\"size\":2,\"platform\":{\"os\":\"linux\",\"OS\":\"windows\"}");
    let body = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
    assert!(matches!(parse(MediaType::OCI_INDEX, &body), Err(ManifestError::Contradiction(_))));
    // What nobody reads may be called as one likes, and hold what one likes.
    let layer = CONFIG.replace("\"size\":2", "\"size\":2,\"annotations\":{\"Digest\":\"x\"},\"own\":{\"Size\":[1]}");
    let body = format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[{layer}],"own":{{"Layers":1}}}}"#);
    assert!(parse(MediaType::OCI_MANIFEST, &body).is_ok());
}

#[test]
fn a_list_is_no_descriptor() {
    let list = r#"["application/vnd.oci.image.config.v1+json","sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",2]"#;
    for body in [
        format!(r#"{{"schemaVersion":2,"config":{list},"layers":[]}}"#),
        format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":[{list}]}}"#),
        format!(r#"{{"schemaVersion":2,"config":{CONFIG},"layers":{CONFIG}}}"#),
    ] {
        assert!(parse(MediaType::OCI_MANIFEST, &body).is_err(), "{body}");
    }
}
