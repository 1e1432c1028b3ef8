//! Debian's packages that a command needs, installed where their programs are missing.

use std::process::Command;

use crate::steps::{Outcome, ask, find_program, run, step};

/// A program and the package that brings it.
#[derive(Clone, Copy)]
pub struct Need {
    program: &'static str,
    package: &'static str,
}

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, package }
}

/// What the end-to-end tests run.
pub const TESTS: &[Need] = &[
    need("dockerd", "docker.io"),
    need("docker", "docker.io"),
    need("containerd", "containerd"),
    need("ctr", "containerd"),
    need("podman", "podman"),
    need("buildah", "buildah"),
    need("skopeo", "skopeo"),
    need("unshare", "util-linux"),
    need("mount", "mount"),
    need("busybox", "busybox-static"),
    need("htpasswd", "apache2-utils"),
    need("openssl", "openssl"),
    need("curl", "curl"),
    need("jq", "jq"),
    need("kubectl", "kubernetes-client"),
    need("node", "nodejs"),
    need("npm", "npm"),
    need("python3", "python3-venv"),
];

/// What the quick tests run.
pub const FAST_TESTS: &[Need] = &[need("htpasswd", "apache2-utils"), need("openssl", "openssl"), need("curl", "curl")];

/// The peer of the benchmark.
pub const BENCH: &[Need] = &[need("docker-registry", "docker-registry"), need("htpasswd", "apache2-utils")];

/// Installs the packages of those programs that are missing; does nothing, and says nothing, where all are there.
pub fn ensure(needs: &[Need]) -> Outcome {
    let mut packages = missing(needs);
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_root() || find_program("apt-get").is_none() {
        return Err(format!(
            "these programs are missing and only root on Debian or Ubuntu can be helped; install them as: apt-get install {list}"
        ));
    }
    step(&format!("install Debian packages: {list}"), || {
        run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
        install(&packages)?;
        // Newer releases ship Docker's client apart from its daemon.
        packages = missing(needs);
        if packages.contains(&"docker.io") {
            install(&["docker-cli"])?;
            packages = missing(needs);
        }
        if packages.is_empty() { Ok(()) } else { Err(format!("still missing after the installation: {}", packages.join(" "))) }
    })
}

/// Installs packages by name. Needs root, and package lists that are there.
pub fn install(packages: &[&str]) -> Outcome {
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(packages))
}

/// Whether the package of this name is installed, all of it.
pub fn is_installed(package: &str) -> bool {
    ask(Command::new("dpkg-query").args(["--show", "--showformat=${Status}", package])).as_deref() == Some("install ok installed")
}

/// Whether packages can be installed here.
pub fn can_install() -> bool {
    is_root() && find_program("apt-get").is_some()
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for need in needs {
        if find_program(need.program).is_none() && !packages.contains(&need.package) {
            packages.push(need.package);
        }
    }
    packages
}

fn is_root() -> bool {
    ask(Command::new("id").arg("-u")).as_deref() == Some("0")
}
