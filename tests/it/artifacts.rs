//! What is no image: Helm charts, files that belong to an image, WebAssembly components. skopeo and `ctr` carry them by their
//! manifests; engines that unpack images say that there is none.

use bulkhead_tests::config::Config;
use bulkhead_tests::containerd::Ctr;
use bulkhead_tests::containers::{Containers, Tool, layout, remote};
use bulkhead_tests::docker::Docker;
use bulkhead_tests::places::TempDir;
use bulkhead_tests::samples::{self, Form, Platform};
use bulkhead_tests::server::Server;
use bulkhead_tests::tree::Tree;
use bulkhead_tests::users::{ALICE, RITA};
use serde_json::json;

/// skopeo pushes it, `ctr` pulls it and pushes it elsewhere, skopeo pulls that: all of them have the same bytes.
fn is_carried(server: &Server, repository: &str, artifact: &Tree) {
    let skopeo = Containers::new(Tool::Skopeo);
    skopeo.login(&server.host(), ALICE).expect_success();
    let (sent, fetched, received) = (TempDir::new(), TempDir::new(), TempDir::new());
    artifact.write_layout(sent.path(), "1");
    let client = server.client_of(ALICE);

    // Without the option skopeo compresses layers that are not.
    let name = format!("{repository}:1");
    let target = remote(&server.host(), &name);
    skopeo.run(&["copy", "--preserve-digests", &layout(sent.path(), "1"), &target]).expect_success();
    artifact.assert_in(&client, repository, "1");

    let ctr = Ctr::new();
    let (here, there) = (format!("{}/{name}", server.host()), format!("{}/copies/{name}", server.host()));
    ctr.fetch(ALICE, &here).expect_success();
    ctr.export(&here, fetched.path());
    artifact.assert_layout(fetched.path());
    ctr.run(&["images", "tag", &here, &there]).expect_success();
    ctr.push(ALICE, &there).expect_success();
    let copies = format!("copies/{repository}");
    artifact.assert_in(&client, &copies, "1");

    let source = remote(&server.host(), &format!("{copies}:1"));
    skopeo.run(&["copy", "--preserve-digests", &source, &layout(received.path(), "1")]).expect_success();
    artifact.assert_layout(received.path());
}

#[test]
fn a_helm_chart_is_carried_byte_for_byte() {
    let server = Server::start(&Config::standard());
    is_carried(&server, "team/charts/shop", &samples::helm_chart());
}

#[test]
fn a_webassembly_component_is_carried_byte_for_byte() {
    let server = Server::start(&Config::standard());
    is_carried(&server, "team/components/filter", &samples::wasm_component());
}

#[test]
fn a_file_that_belongs_to_an_image_is_carried_byte_for_byte_and_listed_with_the_image() {
    let server = Server::start(&Config::standard());
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "with a bill of materials");
    let client = server.client_of(ALICE);
    image.push(&client, "team/tool", "1");
    let artifact = samples::attached(&image.top);
    is_carried(&server, "team/tool", &artifact);

    let listed = client.get(&format!("/v2/team/tool/referrers/{}", image.top.digest)).expect(200).json();
    let mut expected = artifact.top.descriptor();
    expected["artifactType"] = json!(samples::ATTACHED_TYPE);
    expected["annotations"] = json!({ "org.opencontainers.image.created": "2026-01-02T03:04:05Z" });
    assert_eq!(listed["manifests"], json!([expected]));
}

#[test]
fn engines_are_told_what_an_artifact_is_and_do_not_take_it_for_an_image() {
    let server = Server::start(&Config::standard());
    samples::helm_chart().push(&server.client_of(ALICE), "team/charts/shop", "1.2.3");
    let name = format!("{}/team/charts/shop:1.2.3", server.host());

    let docker = Docker::new();
    docker.login(&server.host(), RITA).expect_success();
    let mut refusals = vec![docker.run(&["pull", &name])];
    for tool in [Tool::Podman, Tool::Buildah] {
        let engine = Containers::new(tool);
        engine.login(&server.host(), RITA).expect_success();
        refusals.push(engine.run(&["pull", &name]));
    }
    for refusal in refusals {
        let said = refusal.expect_failure().text();
        assert!(said.contains("application/vnd.cncf.helm.config.v1+json"), "{said}");
    }
}
