//! Clients of registries over TLS: docker with its folder of certificates, and skopeo with one of its own.

use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use bulkhead_tests::docker::Docker;
use bulkhead_tests::places::TempDir;
use bulkhead_tests::programs;
use bulkhead_tests::samples;

use crate::tls::World;

/// Docker's folder of certificates for one registry, which is the system's; taken away in the end.
struct CertsD(PathBuf);

impl CertsD {
    fn new(host: &str) -> Self {
        let folder = Path::new("/etc/docker/certs.d").join(host);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for CertsD {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
        // Goes only if it is empty, as another registry's folder may lie there.
        if let Some(parent) = self.0.parent() {
            std::fs::remove_dir(parent).ok();
        }
    }
}

/// An address of this machine that is not of the loopback interface: Docker does not verify what is there. None: there is no other.
fn other_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Sends nothing: it only asks which address would be used.
    socket.connect("198.51.100.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback())
}

#[test]
fn docker_pushes_and_pulls_with_a_client_certificate_from_certs_d() {
    let Some(address) = other_address() else {
        eprintln!("this machine has no address but those of the loopback interface, where Docker verifies nothing: left out");
        return;
    };
    let world = World::at(address);
    let docker = Docker::new();
    let name = format!("{}/team/app:1", world.server.host());
    let id = docker.import(&name, "a client certificate");
    let untrusting = docker.run(&["push", &name]).expect_failure().text();
    assert!(untrusting.contains("certificate signed by unknown authority"), "{untrusting}");

    let certs = CertsD::new(&world.server.host());
    std::fs::copy(world.file("ours.crt"), certs.0.join("ca.crt")).unwrap();
    // It trusts the server, and says nothing of itself.
    docker.run(&["push", &name]).expect_failure();
    assert_eq!(world.repositories(), r#"{"repositories":[]}"#, "the refusals left no trace");
    std::fs::copy(world.file("ci-1.crt"), certs.0.join("client.cert")).unwrap();
    std::fs::copy(world.file("ci-1.key"), certs.0.join("client.key")).unwrap();
    docker.run(&["push", &name]).expect_success();
    docker.forget(&name);
    docker.run(&["pull", &name]).expect_success();
    assert_eq!(docker.image_id(&name), Some(id));
    let elsewhere = format!("{}/other/app:1", world.server.host());
    docker.run(&["tag", &name, &elsewhere]).expect_success();
    docker.run(&["push", &elsewhere]).expect_failure();
    assert_eq!(world.repositories(), r#"{"repositories":["team/app"]}"#, "the refusal left no trace");
}

#[test]
fn skopeo_copies_with_a_client_certificate() {
    let world = World::new();
    let folder = TempDir::new();
    for (from, to) in [("ours.crt", "ca.crt"), ("ci-1.crt", "client.cert"), ("ci-1.key", "client.key")] {
        std::fs::copy(world.file(from), folder.path().join(to)).unwrap();
    }
    let certificates = folder.path().display().to_string();
    let layout = folder.path().join("layout");
    samples::helm_chart().write_layout(&layout, "1");
    let (from, to) = (format!("oci:{}:1", layout.display()), format!("docker://{}/team/chart:1", world.server.host()));
    let copy = |certificates: &str| {
        let mut command = Command::new("skopeo");
        command.args(["copy", "--insecure-policy", "--dest-cert-dir", certificates, &from, &to]);
        programs::run(command.env("REGISTRY_AUTH_FILE", folder.path().join("none.json")))
    };
    copy(&certificates).expect_success();
    std::fs::remove_file(folder.path().join("client.cert")).unwrap();
    std::fs::remove_file(folder.path().join("client.key")).unwrap();
    copy(&certificates).expect_failure();
    assert_eq!(world.repositories(), r#"{"repositories":["team/chart"]}"#);
}
