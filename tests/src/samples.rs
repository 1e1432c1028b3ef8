//! Images and artifacts as the world has them. Layers are real archives, so that an engine can unpack them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::config::Config;
use crate::image::{self, Blob, media};
use crate::places::TempDir;
use crate::programs;
use crate::registry;
use crate::server::Server;
use crate::tree::Tree;

/// In whose words manifests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Docker's, version 2, schema 2, with the indentation that its client writes: that client writes anew what it passes on.
    Docker,
    /// OCI's.
    Oci,
}

/// What an image runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// `linux/amd64`.
    LinuxAmd64,
    /// `linux/arm64`.
    LinuxArm64,
    /// `windows/amd64`, Server 2022.
    WindowsAmd64,
}

impl Platform {
    /// As clients' options have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "linux/amd64",
            Self::LinuxArm64 => "linux/arm64",
            Self::WindowsAmd64 => "windows/amd64",
        }
    }

    /// The fields of a configuration, or of an index's entry.
    fn fields(self) -> Value {
        match self {
            Self::LinuxAmd64 => json!({ "architecture": "amd64", "os": "linux" }),
            Self::LinuxArm64 => json!({ "architecture": "arm64", "os": "linux" }),
            Self::WindowsAmd64 => json!({ "architecture": "amd64", "os": "windows", "os.version": "10.0.20348.2113" }),
        }
    }
}

/// A layer that only a server of another owner holds, as Microsoft's holds those of Windows.
pub struct ForeignLayer {
    owner: Server,
    layer: Blob,
    diff_id: String,
}

impl ForeignLayer {
    /// Starts the owner's server, with the layer in it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let owner = Server::start(&Config::open());
        let (layer, diff_id) = layer(media::DOCKER_FOREIGN_LAYER, text);
        registry::push_blob(&owner.client(), "windows/servercore", &layer.bytes);
        Self { owner, layer, diff_id }
    }

    /// The layer itself.
    #[must_use]
    pub fn content(&self) -> &Blob {
        &self.layer
    }

    fn descriptor(&self, form: Form) -> Value {
        let mut descriptor = self.layer.descriptor();
        if form == Form::Oci {
            descriptor["mediaType"] = json!(media::OCI_FOREIGN_LAYER);
        }
        let url = format!("http://{}/v2/windows/servercore/blobs/{}", self.owner.host(), self.layer.digest);
        descriptor["urls"] = json!([url]);
        descriptor
    }
}

/// An image of one layer with a file of this text.
#[must_use]
pub fn image_of(form: Form, platform: Platform, text: &str) -> Tree {
    make_image(form, platform, text, None)
}

/// A Windows image whose first layer lies elsewhere.
#[must_use]
pub fn windows_image(form: Form, text: &str, foreign: &ForeignLayer) -> Tree {
    make_image(form, Platform::WindowsAmd64, text, Some(foreign))
}

/// An index of an image for Linux on each of two machines.
#[must_use]
pub fn two_machines(form: Form, text: &str) -> Tree {
    let parts = [Platform::LinuxAmd64, Platform::LinuxArm64].map(|platform| (platform, image_of(form, platform, text)));
    index_of(form, parts)
}

/// An index of an image for Linux, and one for Windows whose first layer lies elsewhere.
#[must_use]
pub fn linux_and_windows(form: Form, text: &str, foreign: &ForeignLayer) -> Tree {
    let linux = (Platform::LinuxAmd64, image_of(form, Platform::LinuxAmd64, text));
    let windows = (Platform::WindowsAmd64, windows_image(form, text, foreign));
    index_of(form, [linux, windows])
}

/// A Helm chart with its provenance, as `helm push` writes it: no media type in the manifest itself.
#[must_use]
pub fn helm_chart() -> Tree {
    let config = Blob::json(
        "application/vnd.cncf.helm.config.v1+json",
        &json!({ "name": "shop", "version": "1.2.3", "apiVersion": "v2", "type": "application" }),
    );
    let (chart, _) = layer("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "apiVersion: v2");
    let provenance =
        Blob::new("application/vnd.cncf.helm.chart.provenance.v1.prov", b"-----BEGIN PGP SIGNED MESSAGE-----".to_vec());
    let manifest = json!({ "schemaVersion": 2, "config": config.descriptor(),
                           "layers": [chart.descriptor(), provenance.descriptor()],
                           "annotations": { "org.opencontainers.image.title": "shop", "org.opencontainers.image.version": "1.2.3" } });
    Tree::of_manifest(Blob::json(media::OCI_MANIFEST, &manifest), vec![config, chart, provenance])
}

/// The type that [`attached`] artifacts have.
pub const ATTACHED_TYPE: &str = "application/vnd.example.bill-of-materials.v1";

/// A file as `oras attach` writes it: an artifact type, the empty configuration, and the manifest that it belongs to.
#[must_use]
pub fn attached(subject: &Blob) -> Tree {
    let config = image::empty_config();
    let file = Blob::new("application/spdx+json", br#"{"spdxVersion":"SPDX-2.3"}"#.to_vec());
    let mut layer = file.descriptor();
    layer["annotations"] = json!({ "org.opencontainers.image.title": "materials.json" });
    let manifest = json!({ "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": ATTACHED_TYPE,
                           "config": config.descriptor(), "layers": [layer], "subject": subject.descriptor(),
                           "annotations": { "org.opencontainers.image.created": "2026-01-02T03:04:05Z" } });
    Tree::of_manifest(Blob::json(media::OCI_MANIFEST, &manifest), vec![config, file])
}

/// A WebAssembly component, as the CNCF's layout for such artifacts has it: its layer is not compressed.
#[must_use]
pub fn wasm_component() -> Tree {
    let component = Blob::new("application/wasm", b"\0asm\x0d\0\x01\0".to_vec());
    let config = Blob::json(
        "application/vnd.wasm.config.v0+json",
        &json!({ "created": "2026-01-02T03:04:05Z", "architecture": "wasm", "os": "wasip2",
                 "layerDigests": [component.digest], "component": { "exports": [], "imports": [] } }),
    );
    let manifest = image::manifest(media::OCI_MANIFEST, &config, vec![component.descriptor()]);
    Tree::of_manifest(Blob::json(media::OCI_MANIFEST, &manifest), vec![config, component])
}

/// A gzipped tar archive with one file of this text, as a layer is, and the digest of the archive itself.
fn layer(media_type: &str, text: &str) -> (Blob, String) {
    let folder = TempDir::new();
    std::fs::write(folder.path().join("file"), text).expect("the test's folder can be written");
    let archive = folder.path().join("layer.tar");
    programs::run(Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(&archive).arg("file")).expect_success();
    let plain = std::fs::read(&archive).expect("tar has written the archive");
    let mut gzip =
        Command::new("gzip").args(["-n", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip is installed");
    // One small file: it fits the pipe.
    gzip.stdin.take().expect("stdin is a pipe").write_all(&plain).expect("gzip reads its input");
    let zipped = gzip.wait_with_output().expect("gzip ends").stdout;
    (Blob::new(media_type, zipped), crate::digest::sha256(&plain))
}

fn make_image(form: Form, platform: Platform, text: &str, foreign: Option<&ForeignLayer>) -> Tree {
    let (config_type, layer_type) = match form {
        Form::Docker => (media::DOCKER_CONFIG, media::DOCKER_LAYER),
        Form::Oci => (media::OCI_CONFIG, media::OCI_LAYER),
    };
    let (layer, diff_id) = layer(layer_type, &format!("{text}, for {}", platform.name()));
    let mut diff_ids = vec![diff_id];
    let mut descriptors = vec![layer.descriptor()];
    if let Some(foreign) = foreign {
        diff_ids.insert(0, foreign.diff_id.clone());
        descriptors.insert(0, foreign.descriptor(form));
    }
    let mut config = platform.fields();
    config["config"] = json!({});
    config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
    let config = Blob::json(config_type, &config);
    let manifest = match form {
        Form::Docker => Blob::new(media::DOCKER_MANIFEST, docker_manifest(&config, &descriptors).into_bytes()),
        Form::Oci => Blob::json(media::OCI_MANIFEST, &image::manifest(media::OCI_MANIFEST, &config, descriptors)),
    };
    Tree::of_manifest(manifest, vec![config, layer])
}

fn index_of(form: Form, parts: [(Platform, Tree); 2]) -> Tree {
    let media_type = match form {
        Form::Docker => media::DOCKER_LIST,
        Form::Oci => media::OCI_INDEX,
    };
    let entries = parts.each_ref().map(|(platform, part)| {
        let mut descriptor = part.top.descriptor();
        descriptor["platform"] = platform.fields();
        descriptor
    });
    let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": entries });
    Tree::of_index(Blob::json(media_type, &index), &parts.map(|(_, part)| part))
}

/// A manifest with the order of fields and the indentation that Docker's client gives it.
fn docker_manifest(config: &Blob, layers: &[Value]) -> String {
    let entry = |descriptor: &Value, indent: &str| {
        let mut lines: Vec<String> =
            ["mediaType", "size", "digest"].iter().map(|key| format!("{indent}   \"{key}\": {}", descriptor[*key])).collect();
        if let Some(url) = descriptor["urls"].get(0) {
            lines.push(format!("{indent}   \"urls\": [\n{indent}      {url}\n{indent}   ]"));
        }
        format!("{{\n{}\n{indent}}}", lines.join(",\n"))
    };
    let layers: Vec<String> = layers.iter().map(|layer| format!("      {}", entry(layer, "      "))).collect();
    format!(
        "{{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"{}\",\n   \"config\": {},\n   \"layers\": [\n{}\n   ]\n}}",
        media::DOCKER_MANIFEST,
        entry(&config.descriptor(), "   "),
        layers.join(",\n")
    )
}
