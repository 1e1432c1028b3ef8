//! "Registry Proxying": a registry that is no proxy ignores the `ns` of a client that thinks it is one.

use bulkhead_tests::image::Image;
use bulkhead_tests::registry;

use super::open;

#[test]
fn the_namespace_of_a_proxy_s_client_changes_nothing() {
    let (_server, client) = open();
    let image = Image::oci(1, &[100]);
    registry::push_image(&client, "a/app", "v1", &image);
    let (manifest, layer) = (&image.manifest.digest, &image.layers[0].digest);
    for target in [
        "manifests/v1".to_owned(),
        format!("manifests/{manifest}"),
        format!("blobs/{layer}"),
        "tags/list".into(),
        format!("referrers/{manifest}"),
    ] {
        for method in ["GET", "HEAD"] {
            let plain = client.request(method, &format!("/v2/a/app/{target}")).send().expect(200);
            for namespace in ["docker.io", "127.0.0.1:5000", ""] {
                let asked = client.request(method, &format!("/v2/a/app/{target}")).query("ns", namespace).send().expect(200);
                assert_eq!(asked.body, plain.body, "{method} {target}");
                assert_eq!(asked.header("Docker-Content-Digest"), plain.header("Docker-Content-Digest"), "{method} {target}");
                assert_eq!(asked.header("OCI-Namespace"), None, "{method} {target}: nothing was scoped");
            }
        }
    }
    let missing = client.get("/v2/a/app/manifests/v2?ns=docker.io").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    assert_eq!(missing.header("OCI-Namespace"), None);
}
