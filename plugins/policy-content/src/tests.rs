//! What each rule lets pass and what it refuses, and that nothing slips through in another form.

use bulkhead_plugin_sdk::admission::ManifestDeletion;
use bulkhead_plugin_sdk::testing::{configure, context, digest, manifest, tag};
use serde_json::{Value, json};

use super::*;

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(media_type: &str, size: u64) -> Value {
    json!({"mediaType": media_type, "digest": digest(3), "size": size})
}

fn image(layers: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": OCI, "config": descriptor(CONFIG, 100), "layers": layers})
}

fn index(entries: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
}

fn entry(platform: Value) -> Value {
    json!({"mediaType": OCI, "digest": digest(4), "size": 500, "platform": platform})
}

fn amd64() -> Value {
    json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"team": "payments"}}})
}

fn with(mut whole: Value, key: &str, value: Value) -> Value {
    whole[key] = value;
    whole
}

/// What the policy says of a text pushed as this type, with this config.
fn judge(settings: &str, media_type: &str, body: &str, config: Option<&str>) -> Opinion {
    let mut plugin: ContentPolicy = configure(settings).unwrap();
    let push = Manifest {
        media_type: media_type.to_owned(),
        body: body.into(),
        config: config.map(Into::into),
        ..manifest(&[tag("v1", None)])
    };
    plugin.review(&context(), None, "team/app", &Change::PutManifest(push)).unwrap()
}

/// What the policy says of an image or index.
fn review(settings: &str, body: &Value, config: Option<Value>) -> Opinion {
    let media_type = body["mediaType"].as_str().unwrap();
    judge(settings, media_type, &body.to_string(), config.map(|config| config.to_string()).as_deref())
}

#[track_caller]
fn admitted(opinion: Opinion) {
    assert_eq!(opinion, Opinion::admit());
}

#[track_caller]
fn refused(opinion: Opinion, parts: &[&str]) {
    let Opinion::Refuse(reason) = opinion else { panic!("should be refused for {parts:?}") };
    for part in parts {
        assert!(reason.contains(part), "{reason:?} does not say {part:?}");
    }
}

#[track_caller]
fn fault(settings: &str, beginning: &str) {
    match configure::<ContentPolicy>(settings) {
        Err(Error::Invalid(text)) => assert!(text.starts_with(beginning), "{text:?} does not begin with {beginning:?}"),
        Err(other) => panic!("should be invalid, was {other:?}"),
        Ok(_) => panic!("should be refused: {settings}"),
    }
}

#[test]
fn required_annotations_are_there_and_have_their_value() {
    let settings = r#"{"required-annotations":["org.opencontainers.image.source","team=payments"]}"#;
    let annotated = |value: Value| with(image(&[]), "annotations", value);
    admitted(review(
        settings,
        &annotated(json!({"org.opencontainers.image.source": "https://x", "team": "payments", "a": "b"})),
        None,
    ));
    refused(
        review(settings, &image(&[]), None),
        &[
            "annotation `org.opencontainers.image.source` is missing: set it",
            "; the annotation `team` is missing",
            "team=payments`",
        ],
    );
    refused(
        review(settings, &annotated(json!({"org.opencontainers.image.source": " ", "team": "Payments"})), None),
        &["`org.opencontainers.image.source` is empty", "`team` is `Payments`, and must be `payments`"],
    );
    refused(review(settings, &annotated(Value::Null), None), &["is missing"]);
}

#[test]
fn an_index_needs_the_annotations_for_itself() {
    let settings = r#"{"required-annotations":["team"]}"#;
    let entry = with(entry(json!({"os": "linux", "architecture": "amd64"})), "annotations", json!({"team": "x"}));
    refused(review(settings, &index(std::slice::from_ref(&entry)), None), &["`team` is missing", "--annotation index:team=..."]);
    admitted(review(settings, &with(index(&[entry]), "annotations", json!({"team": "x"})), None));
}

#[test]
fn required_labels_are_read_from_the_config() {
    let settings = r#"{"required-labels":["team=payments","source"]}"#;
    let labelled = |labels: Value| Some(json!({"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}));
    admitted(review(settings, &image(&[]), labelled(json!({"team": "payments", "source": "x"}))));
    refused(
        review(settings, &image(&[]), labelled(json!({"team": "other"}))),
        &["label `team` is `other`", "`LABEL source=...`"],
    );
    refused(review(settings, &image(&[]), labelled(Value::Null)), &["`team` is missing"]);
    refused(review(settings, &image(&[]), Some(json!({"os": "linux", "architecture": "amd64"}))), &["`team` is missing"]);
    refused(review(settings, &image(&[]), labelled(json!({"team": 7}))), &["config cannot be read"]);
    let annotated = with(image(&[]), "annotations", json!({"team": "payments", "source": "x"}));
    refused(review(settings, &annotated, labelled(json!({}))), &["label `team` is missing"]);
    admitted(review(settings, &index(&[]), None));
}

#[test]
fn a_config_that_is_not_shown_refuses_where_a_rule_needs_it() {
    for settings in [r#"{"required-labels":["team"]}"#, r#"{"allowed-platforms":["*/*"]}"#] {
        refused(review(settings, &image(&[]), None), &["cannot be looked at", CONFIG, "at most 1 MiB"]);
        let odd = with(image(&[]), "config", descriptor("application/x", 9));
        refused(review(settings, &odd, None), &["cannot be looked at", "`application/x`"]);
        refused(judge(settings, OCI, &image(&[]).to_string(), Some("{")), &["config cannot be read"]);
    }
    admitted(review(r#"{"max-layers":1}"#, &image(&[]), None));
}

#[test]
fn allowed_media_types_hold_for_manifest_artifact_type_and_config() {
    let settings = r#"{"allowed-media-types":["application/vnd.oci.image.*","application/vnd.cncf.helm.*"]}"#;
    admitted(review(settings, &image(&[]), None));
    admitted(review(settings, &index(&[]), None));
    let helm = with(image(&[]), "config", descriptor("application/vnd.cncf.helm.config.v1+json", 9));
    admitted(review(settings, &helm, None));
    let wasm = with(image(&[]), "config", descriptor("application/vnd.wasm.config.v0+json", 9));
    refused(
        review(settings, &wasm, None),
        &["config's media type `application/vnd.wasm.config.v0+json` is not allowed", "vnd.cncf.helm.*`"],
    );
    let artifact = with(image(&[]), "config", descriptor("application/vnd.oci.empty.v1+json", 2));
    refused(review(settings, &artifact, None), &["`application/vnd.oci.empty.v1+json` is not allowed"]);
    admitted(review(settings, &with(artifact.clone(), "artifactType", json!("application/vnd.cncf.helm.x")), None));
    refused(review(settings, &with(artifact, "artifactType", json!("application/y")), None), &["artifactType `application/y`"]);
    refused(review(settings, &with(index(&[]), "artifactType", json!("application/y")), None), &["artifactType"]);
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    refused(review(settings, &with(image(&[]), "mediaType", json!(docker)), None), &["media type `application/vnd.docker"]);
}

#[test]
fn allowed_layer_types_hold_for_each_layer() {
    let settings = r#"{"allowed-layer-types":["application/vnd.oci.image.layer.v1.tar*"]}"#;
    admitted(review(settings, &image(&[descriptor(LAYER, 1), descriptor("application/vnd.oci.image.layer.v1.tar", 1)]), None));
    let odd = descriptor("application/x-elf", 1);
    refused(review(settings, &image(&[descriptor(LAYER, 1), odd.clone()]), None), &["layer 2 is of type `application/x-elf`"]);
    admitted(review(settings, &index(&[entry(Value::Null)]), None));
    refused(review(settings, &index(&[entry(Value::Null), odd]), None), &["layer 1 is of type `application/x-elf`"]);
}

#[test]
fn allowed_platforms_hold_for_an_images_config() {
    let settings = r#"{"allowed-platforms":["linux/amd64","linux/arm/v7","linux/arm64/v8","windows/*"]}"#;
    let runs = |config: Value| review(settings, &image(&[]), Some(config));
    for platform in [
        json!({"os": "linux", "architecture": "amd64"}),
        json!({"os": "linux", "architecture": "amd64", "variant": "v3"}),
        json!({"os": "linux", "architecture": "arm", "variant": "v7"}),
        json!({"os": "linux", "architecture": "arm"}),
        json!({"os": "linux", "architecture": "arm64"}),
        json!({"os": "windows", "architecture": "amd64", "os.version": "10.0.17763.1"}),
    ] {
        admitted(runs(platform));
    }
    refused(runs(json!({"os": "linux", "architecture": "s390x"})), &["the image is for `linux/s390x`, and only `linux/amd64`, "]);
    refused(runs(json!({"os": "linux", "architecture": "arm", "variant": "v6"})), &["`linux/arm/v6`"]);
    refused(runs(json!({"os": "windows"})), &["`windows/(not said)`"]);
    refused(runs(json!({})), &["`(not said)/(not said)`"]);
    refused(runs(json!({"os": ["linux"], "architecture": "amd64"})), &["config cannot be read"]);
}

#[test]
fn allowed_platforms_hold_for_the_entries_of_an_index() {
    let settings = r#"{"allowed-platforms":["linux/*"]}"#;
    let linux = entry(json!({"os": "linux", "architecture": "arm", "variant": "v6"}));
    let attestation = entry(json!({"os": "unknown", "architecture": "unknown"}));
    admitted(review(settings, &index(&[linux.clone(), attestation, entry(Value::Null)]), None));
    let windows = entry(json!({"os": "windows", "architecture": "amd64"}));
    refused(
        review(settings, &index(&[linux.clone(), windows]), None),
        &["entry 2 of the index is for `windows/amd64`, and only `linux/*` may be"],
    );
    refused(review(settings, &index(&[linux, entry(json!({}))]), None), &["entry 2", "(not said)/(not said)"]);
}

#[test]
fn artifacts_and_attestations_are_not_asked_for_what_images_have() {
    let settings = r#"{"allowed-platforms":["linux/*"],"required-labels":["team"],"required-annotations":["team"]}"#;
    let attestation = json!({"os": "unknown", "architecture": "unknown", "config": {}});
    admitted(review(settings, &image(&[descriptor("application/vnd.in-toto+json", 1)]), Some(attestation)));
    let helm = with(image(&[]), "config", descriptor("application/vnd.cncf.helm.config.v1+json", 9));
    let annotated = with(helm.clone(), "annotations", json!({"team": "x"}));
    admitted(review(settings, &annotated, Some(json!({"name": "chart", "version": "1.0", "config": "text"}))));
    refused(review(settings, &helm, Some(json!({"name": "chart"}))), &["annotation `team` is missing"]);
}

#[test]
fn an_image_under_another_config_type_is_an_image() {
    let settings = r#"{"allowed-platforms":["linux/*"],"required-labels":["team"]}"#;
    for media_type in ["application/octet-stream", "application/x-config+json", "application/vnd.docker.container.image.v1+json"]
    {
        let disguised = with(image(&[]), "config", descriptor(media_type, 9));
        let windows = json!({"os": "windows", "architecture": "amd64"});
        refused(review(settings, &disguised, Some(windows)), &["`windows/amd64`", "label `team` is missing"]);
        admitted(review(settings, &disguised, Some(amd64())));
    }
    let disguised = with(image(&[descriptor(LAYER, 1)]), "config", descriptor("application/x-config+json", 9));
    let without_platform = json!({"rootfs": {"type": "layers", "diff_ids": [digest(1)]}, "config": {"Cmd": ["sh"]}});
    refused(review(settings, &disguised, Some(without_platform)), &["(not said)", "label `team` is missing"]);
    let unknown = json!({"os": "unknown", "architecture": "unknown"});
    refused(review(settings, &image(&[descriptor(LAYER, 1)]), Some(unknown)), &["`unknown/unknown`", "label `team` is missing"]);
    let silent = with(image(&[]), "config", descriptor("application/octet-stream", 9));
    refused(review(settings, &silent, Some(json!({}))), &["(not said)"]);
}

#[test]
fn layers_are_counted_and_sizes_added_up() {
    let layers = [descriptor(LAYER, 1000), descriptor(LAYER, 948)];
    admitted(review(r#"{"max-layers":2,"max-size":2048}"#, &image(&layers), None));
    admitted(review(r#"{"max-size":"2KiB"}"#, &image(&layers), None));
    refused(review(r#"{"max-layers":1}"#, &image(&layers), None), &["it has 2 layers, and at most 1 are allowed"]);
    refused(review(r#"{"max-size":2047}"#, &image(&layers), None), &["have 2048 bytes together, and at most 2047"]);
    let huge = [descriptor(LAYER, u64::MAX), descriptor(LAYER, u64::MAX)];
    refused(review(r#"{"max-size":"1TiB"}"#, &image(&huge), None), &["36893488147419103330 bytes"]);
    let cache = index(&[entry(Value::Null), descriptor(LAYER, 10), descriptor(LAYER, 10)]);
    refused(review(r#"{"max-layers":1,"max-size":19}"#, &cache, None), &["it has 2 layers", "20 bytes"]);
    admitted(review(r#"{"max-layers":2,"max-size":20}"#, &cache, None));
}

#[test]
fn urls_lie_only_where_the_settings_say() {
    let settings = r#"{"foreign-urls":["https://mcr.microsoft.com/","https://a.example/layers"]}"#;
    let at = |urls: &[&str]| with(descriptor(LAYER, 1), "urls", json!(urls));
    admitted(review(settings, &image(&[at(&["https://mcr.microsoft.com/v2/x", "https://a.example/layers/y"]), at(&[])]), None));
    refused(
        review(
            settings,
            &image(&[descriptor(LAYER, 1), at(&["https://mcr.microsoft.com/v2/x", "https://evil.example/y"])]),
            None,
        ),
        &[
            "layer 2 is said to lie at `https://evil.example/y`, and only `https://mcr.microsoft.com/`, `https://a.example/layers` may be",
        ],
    );
    refused(review(settings, &image(&[at(&["https://mcr.microsoft.com@evil.example/"])]), None), &["layer 1", "a user's name"]);
    let config = with(image(&[]), "config", with(descriptor(CONFIG, 1), "urls", json!(["https://evil.example/"])));
    refused(review(settings, &config, None), &["the config is said to lie at"]);
    let listed = index(&[with(entry(Value::Null), "urls", json!(["https://evil.example/"]))]);
    refused(review(settings, &listed, None), &["manifest 1 is said to lie at"]);
    let subject = with(image(&[]), "subject", with(descriptor(OCI, 1), "urls", json!(["https://evil.example/"])));
    refused(review(settings, &subject, None), &["the subject is said to lie at"]);
    let none = r#"{"foreign-urls":[]}"#;
    admitted(review(none, &image(&[descriptor(LAYER, 1)]), None));
    refused(
        review(none, &image(&[at(&["https://mcr.microsoft.com/"])]), None),
        &["no URLs are allowed: push the content itself"],
    );
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let settings = r#"{"max-layers":1}"#;
    let config = descriptor(CONFIG, 1).to_string();
    let layer = descriptor(LAYER, 1).to_string();
    for (middle, part) in [
        (r#""layers":[],"layers":[]"#.to_owned(), "`layers` stands twice"),
        (r#""layers":[],"Layers":[]"#.to_owned(), "`Layers` is `layers` in other letters"),
        ("\"layers\":[],\"layer\u{17f}\":[]".to_owned(), "is `layers` in other letters"),
        (r#""layers":[],"layer\u017f":[]"#.to_owned(), "is `layers` in other letters"),
        (r#""layers":[],"annotations":{"a":"b","a":"c"}"#.to_owned(), "`a` stands twice"),
        (r#""layers":[],"manifests":[]"#.to_owned(), "none has both"),
        (r#""layers":[{"mediaType":"a","digest":"b","size":1,"Size":9}]"#.to_owned(), "`Size` is `size`"),
        (r#""layers":[{"mediaType":"a","digest":"b","size":-1}]"#.to_owned(), "invalid value"),
        (r#""layers":[{"mediaType":"a","digest":"b","size":1e3}]"#.to_owned(), "invalid type"),
        (r#""layers":{}"#.to_owned(), "invalid type"),
        (r#""layers":[["a","b",1,[],null]]"#.to_owned(), "a list stands where an object belongs"),
        (format!(r#""layers":[{layer}],"mediaType":"{INDEX}""#), "it is pushed as"),
    ] {
        let body = format!(r#"{{"schemaVersion":2,"config":{config},{middle}}}"#);
        refused(judge(settings, OCI, &body, None), &["cannot be read without doubt", part]);
    }
    for body in ["", "{", "[]", "null", "{} {}", r#"{"layers":[]}"#, "\u{feff}{}"] {
        refused(judge(settings, OCI, body, None), &["cannot be read"]);
    }
    refused(judge(settings, "text/plain", "{}", None), &["`text/plain` is no type of manifest"]);
    let twice = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"team":"x","team":"y"}}}"#;
    refused(judge(r#"{"required-labels":["team"]}"#, OCI, &image(&[]).to_string(), Some(twice)), &["`team` stands twice"]);
    let cased = r#"{"os":"linux","OS":"windows","architecture":"amd64"}"#;
    refused(judge(r#"{"allowed-platforms":["linux/*"]}"#, OCI, &image(&[]).to_string(), Some(cased)), &["`OS` is `os`"]);
}

#[test]
fn fields_that_nobody_reads_and_lists_that_are_null_do_no_harm() {
    let body = format!(
        r#"{{"schemaVersion":2,"x":1,"x":{{"Layers":[1.5,true,null]}},"config":{},"layers":null,"annotations":{{"Config":"a","config":"b"}}}}"#,
        descriptor(CONFIG, 1)
    );
    admitted(judge(r#"{"max-layers":1}"#, OCI, &body, None));
    let config =
        r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"team":"x","Team":"y"},"Volumes":{"/a":{},"/A":{}}}}"#;
    admitted(judge(r#"{"required-labels":["team=x"]}"#, OCI, &body, Some(config)));
}

#[test]
fn a_manifest_of_4_mib_with_fields_that_nobody_reads_is_judged() {
    let layers = vec![descriptor(LAYER, 1); 20_000];
    let unknown: Vec<String> = (0..100_000).map(|number| format!("\"Layer{number}\":0")).collect();
    let body = image(&layers).to_string().replacen('{', &format!("{{{},", unknown.join(",")), 1);
    assert!(body.len() > 4 * 1024 * 1024, "{}", body.len());
    let settings = r#"{"max-layers":20000,"max-size":"1MiB","allowed-layer-types":["*.tar*"],"foreign-urls":[],"required-annotations":["a"]}"#;
    refused(judge(settings, OCI, &body, None), &["annotation `a` is missing"]);
}

#[test]
fn other_repositories_and_deletions_pass() {
    let mut plugin: ContentPolicy = configure(r#"{"max-size":1,"repositories":["prod/**"]}"#).unwrap();
    let push = Change::PutManifest(manifest(&[]));
    assert_eq!(plugin.review(&context(), None, "team/app", &push), Ok(Opinion::admit()));
    refused(plugin.review(&context(), None, "prod/app", &push).unwrap(), &["2 bytes together"]);
    let deletions = [
        Change::DeleteTag(tag("v1", None)),
        Change::DeleteManifest(ManifestDeletion { digest: digest(1), tags: Vec::new() }),
        Change::DeleteBlob(digest(1)),
        Change::DeleteRepository(Vec::new()),
    ];
    for deletion in deletions {
        assert_eq!(plugin.review(&context(), None, "prod/app", &deletion), Ok(Opinion::admit()));
    }
}

#[test]
fn a_refusal_says_what_fits_and_counts_the_rest() {
    let entries: Vec<Value> =
        (0..500).map(|number| entry(json!({"os": format!("plan{number}\n"), "architecture": "x"}))).collect();
    let Opinion::Refuse(reason) = review(r#"{"allowed-platforms":["linux/*"]}"#, &index(&entries), None) else {
        panic!("refused")
    };
    assert!(reason.len() < 1024 && reason.contains("entry 1 of") && reason.contains("`plan0\\n/x`"), "{reason}");
    let (_, rest) = reason.rsplit_once("; and ").unwrap();
    assert!(rest.ends_with(" more") && !reason.contains('\n'), "{reason}");
    let long = with(image(&[]), "config", descriptor(&"a".repeat(100_000), 1));
    let Opinion::Refuse(reason) = review(r#"{"allowed-media-types":["b"]}"#, &long, None) else { panic!("refused") };
    assert!(reason.len() < 1024, "{}", reason.len());
}

#[test]
fn settings_that_make_no_sense_are_named_with_their_path() {
    fault("{}", "no rule is set: ");
    fault(r#"{"repositories":["**"]}"#, "no rule is set: ");
    fault(r#"{"max-layer":1}"#, "max-layer: unknown field");
    fault(r#"{"max-layers":0}"#, "max-layers: 0 would refuse");
    fault(r#"{"max-layers":-1}"#, "max-layers: invalid value");
    fault(r#"{"max-size":0}"#, "max-size: invalid value");
    for text in ["", "2", "GiB", "0B", "-1GiB", "1.5GiB", "1gib", "99999999999TiB", "2GiB "] {
        fault(&format!(r#"{{"max-size":"{text}"}}"#), "max-size: invalid value");
    }
    for key in ["required-annotations", "required-labels", "allowed-media-types", "allowed-layer-types", "allowed-platforms"] {
        fault(&format!(r#"{{"{key}":[]}}"#), &format!("{key}: empty, so that nothing "));
        fault(&format!(r#"{{"{key}":["linux/amd64",""]}}"#), &format!("{key}[1]: "));
    }
    fault(r#"{"required-labels":["a","a=b"]}"#, "required-labels[1]: `a` stands twice");
    fault(r#"{"required-labels":["a = b"]}"#, "required-labels[0]: \"a = b\" must be KEY");
    for text in ["linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/a b"] {
        fault(&format!(r#"{{"allowed-platforms":["{text}"]}}"#), "allowed-platforms[0]: ");
    }
    fault(r#"{"foreign-urls":["mcr.microsoft.com"]}"#, "foreign-urls[0]: ");
    fault(r#"{"max-layers":1,"repositories":["A"]}"#, "repositories[0]: ");
}
