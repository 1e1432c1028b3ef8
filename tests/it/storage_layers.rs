//! Storage that lies elsewhere, or in layers, behind a whole server: what clients push is what they pull, and what lies below is what it
//! should be.

use std::path::Path;

use bulkhead_tests::config::Config;
use bulkhead_tests::image::{Blob, Image};
use bulkhead_tests::moto::Moto;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A folder of the server's as a storage plugin.
fn disk(folder: &str) -> String {
    format!(
        "component = \"builtin:storage-fs\"\n\
         grants.directories = {{ \"/blobs\" = {{ path = \"@DIR@/data/{folder}\", access = \"read-write\" }} }}"
    )
}

/// Starts the server with a file of the cipher's key beside its configuration.
fn start(config: &Config) -> Server {
    let mut server = Server::stopped(config);
    std::fs::write(server.folder().join("blobs.key"), KEY).expect("the test's folder can be written");
    server.restart();
    server
}

fn encrypted() -> Config {
    Config::open().plugin("lower", &disk("lower")).plugin(
        "disk",
        "component = \"builtin:storage-encrypt\"\nover = \"lower\"\nconfig = { key = \"blobs\" }\n\
         grants.secrets = { blobs = \"@DIR@/blobs.key\" }",
    )
}

fn s3(moto: &Moto) -> String {
    let access = moto.access();
    format!(
        "component = \"builtin:storage-s3\"\ngrants.http = [\"{0}\"]\ngrants.secrets = {{ s3 = \"@DIR@/blobs.key\" }}\n\
         config = {{ endpoint = \"{0}\", region = \"{1}\", bucket = \"{2}\", credentials = \
         {{ access-key-id = \"{3}\", secret-access-key = \"s3\" }} }}",
        access.endpoint, access.region, access.bucket, access.access_key_id
    )
}

/// The bytes of every file below a folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(std::fs::read(&path).expect("a file can be read"));
        }
    }
    found
}

fn holds(files: &[Vec<u8>], blob: &Blob) -> bool {
    files.iter().any(|file| file.windows(64).any(|window| window == &blob.bytes[..64]))
}

#[test]
fn an_encrypted_storage_gives_what_was_pushed_and_shows_none_of_it() {
    let server = start(&encrypted());
    let image = Image::oci(1, &[3_000_000, 100_000]);
    registry::push_image(&server.client(), "a/app", "1", &image);
    registry::assert_whole(&server.client(), "a/app", "1", &image);
    let blob = &image.layers[0];
    let part =
        server.client().request("GET", &format!("/v2/a/app/blobs/{}", blob.digest)).header("Range", "bytes=70000-70099").send();
    assert_eq!((part.status, part.body.as_slice()), (206, &blob.bytes[70_000..70_100]));
    let stored = files(&server.folder().join("data/lower"));
    assert!(stored.len() >= 3 && image.layers.iter().all(|layer| !holds(&stored, layer)), "the disk shows what was pushed");
}

#[test]
fn what_was_changed_below_an_encrypted_storage_is_not_served() {
    let server = start(&encrypted());
    let image = Image::oci(1, &[300_000]);
    registry::push_image(&server.client(), "a/app", "1", &image);
    let blob = &image.layers[0];
    let hash = blob.digest.strip_prefix("sha256:").expect("a digest");
    let lower = server.folder().join("data/lower");
    let path = walk(&lower).into_iter().find(|path| path.ends_with(hash)).expect("the object's file");
    let mut bytes = std::fs::read(&path).expect("a file can be read");
    bytes[1000] ^= 1;
    std::fs::write(&path, bytes).expect("a file can be written");
    let answer = server.client().request("GET", &format!("/v2/a/app/blobs/{}", blob.digest)).try_send();
    assert!(answer.is_ok_and(|answer| answer.status >= 500 || !answer.complete), "a changed layer was served");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn layers_that_lead_back_to_themselves_or_to_nothing_stop_the_start() {
    let circle = Config::open()
        .plugin("disk", "component = \"builtin:storage-encrypt\"\nover = \"other\"\nconfig = { key = \"k\" }")
        .plugin("other", "component = \"builtin:storage-encrypt\"\nover = \"disk\"\nconfig = { key = \"k\" }");
    let refusal = Server::stopped(&circle).try_start().expect_err("a circle has no end");
    assert!(refusal.contains("leads back to disk itself"), "{refusal}");
    let nothing =
        Config::open().plugin("disk", "component = \"builtin:storage-encrypt\"\nover = \"lowre\"\nconfig = { key = \"k\" }");
    let refusal = Server::stopped(&nothing.plugin("lower", &disk("lower"))).try_start().expect_err("no such plugin");
    assert!(refusal.contains("did you mean \"lower\"?"), "{refusal}");
}

#[test]
fn a_storage_below_a_layer_is_nobody_elses() {
    let twice = Config::open().plugin("lower", &disk("lower")).plugin(
        "disk",
        "component = \"builtin:storage-tier\"\nover = { large = \"lower\", cache = \"lower\" }\nconfig = { cache-bytes = 1_000_000 }",
    );
    let refusal = Server::stopped(&twice).try_start().expect_err("a cache that deletes what it is a cache of");
    assert!(refusal.contains("names the storage \"lower\", which plugin disk: `over` has for itself"), "{refusal}");
    let shared = encrypted().registry("storage", "\"lower\"");
    let refusal = Server::stopped(&shared).try_start().expect_err("a registry on the storage of a layer");
    assert!(refusal.contains("registry default: `storage` names the storage \"lower\""), "{refusal}");
}

mod moto {
    use super::*;

    #[test]
    fn images_are_pushed_to_and_pulled_from_s3() {
        let moto = Moto::start();
        let server = start(&Config::open().plugin("disk", &s3(&moto)));
        let image = Image::oci(1, &[12_000_000, 100]);
        registry::push_image(&server.client(), "a/app", "1", &image);
        registry::assert_whole(&server.client(), "a/app", "1", &image);
        assert!(!server.log().text().contains(KEY), "the secret is in the log");
    }

    #[test]
    fn a_client_is_sent_to_the_storage_where_the_operator_wants_it() {
        let moto = Moto::start();
        let config = Config::open().plugin("disk", &s3(&moto)).registry("pulls", "{ redirect = \"5m\" }");
        let server = start(&config);
        let image = Image::oci(1, &[6_000_000]);
        registry::push_image(&server.client(), "a/app", "1", &image);
        let blob = &image.layers[0];
        let answer = server.client().get(&format!("/v2/a/app/blobs/{}", blob.digest)).expect(307);
        let link = answer.header("location").expect("it says where").to_owned();
        assert!(link.starts_with(&moto.access().endpoint) && !link.contains(KEY), "{link}");
        assert!(answer.body.is_empty() && answer.header("cache-control") == Some("no-store"));
        let target = link.strip_prefix(&moto.access().endpoint).expect("of this store");
        let address = moto.access().endpoint.strip_prefix("http://").expect("http").parse().expect("an address");
        let read = bulkhead_tests::http::Client::new(address).get(target).expect(200);
        assert!(read.body == blob.bytes, "other bytes lie at the link");
        assert!(!server.log().text().contains("Signature"), "the link is in the log");
        // A HEAD is answered here: what it asks is in the catalog.
        server.client().request("HEAD", &format!("/v2/a/app/blobs/{}", blob.digest)).send().expect(200);
    }

    #[test]
    fn a_cache_serves_what_it_has_while_the_store_is_away() {
        let moto = Moto::start();
        let config = Config::open()
            .plugin("bucket", &s3(&moto))
            .plugin("near", &disk("near"))
            .plugin(
                "disk",
                "component = \"builtin:storage-tier\"\nover = { large = \"bucket\", cache = \"near\" }\nconfig = { cache-bytes = 50_000_000 }",
            );
        let server = start(&config);
        let (image, cold) = (Image::oci(1, &[700_000]), Image::oci(2, &[700_000]));
        registry::push_image(&server.client(), "a/app", "1", &image);
        registry::push_image(&server.client(), "a/app", "2", &cold);
        registry::assert_whole(&server.client(), "a/app", "1", &image);
        let near = server.folder().join("data/near");
        server.wait_until("the copies", || image.layers.iter().all(|layer| holds(&files(&near), layer)));
        assert!(!holds(&files(&near), &cold.layers[0]), "what nobody read is not in the cache");
        drop(moto);
        let layer = &image.layers[0];
        let read = server.client().get(&format!("/v2/a/app/blobs/{}", layer.digest)).expect(200);
        assert!(read.body == layer.bytes);
        let away = server.client().get(&format!("/v2/a/app/blobs/{}", cold.layers[0].digest)).expect(503);
        assert!(away.header("retry-after").is_some(), "a client is told when to come back");
    }
}
