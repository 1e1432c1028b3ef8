//! What a client is given that takes some types of manifest and others not.

use bulkhead_core::registry::RegistryError;
use bulkhead_oci::{Accept, Digest, MediaType};
use bytes::Bytes;

use crate::support::{World, image, name, sha256};

/// An index of two images of the same type, the second one for linux/amd64.
fn platforms(arm: (&Digest, usize), amd: (&Digest, usize)) -> Bytes {
    let entry = |(digest, size): (&Digest, usize), architecture: &str| {
        let platform = format!(r#"{{"os":"linux","architecture":"{architecture}"}}"#);
        format!(r#"{{"mediaType":"{}","digest":"{digest}","size":{size},"platform":{platform}}}"#, MediaType::OCI_MANIFEST)
    };
    let (arm, amd) = (entry(arm, "arm64"), entry(amd, "amd64"));
    format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{arm},{amd}]}}"#, MediaType::OCI_INDEX).into()
}

#[tokio::test]
async fn a_client_that_takes_no_index_gets_the_image_for_linux_on_amd64() {
    let world = World::new().await;
    let mut images = Vec::new();
    for content in [&b"arm"[..], b"amd"] {
        let body = image(&world.push_blob("a", content).await, 3);
        images.push((world.put("a", sha256(&body).as_str(), body.clone()).await.unwrap().digest, body.len()));
    }
    let body = platforms((&images[0].0, images[0].1), (&images[1].0, images[1].1));
    world.put("a", "v1", body.clone()).await.unwrap();

    let get = async |accept: &str| {
        let accept = Accept::parse([accept].into_iter());
        world.registry.acceptable_manifest(&name("a"), &"v1".parse().unwrap(), &accept).await.map(|found| found.digest)
    };
    assert_eq!(get(MediaType::OCI_INDEX).await, Ok(sha256(&body)));
    assert_eq!(get("*/*").await, Ok(sha256(&body)));
    assert_eq!(get(MediaType::OCI_MANIFEST).await, Ok(images[1].0.clone()));
    let nothing = RegistryError::NotAcceptable(MediaType::OCI_INDEX.parse().unwrap());
    assert_eq!(get(MediaType::DOCKER_MANIFEST).await, Err(nothing));
}

#[tokio::test]
async fn an_image_of_a_type_that_the_client_does_not_take_is_not_acceptable() {
    let world = World::new().await;
    world.push_image("a", "v1", b"content").await;
    let accept = Accept::parse([MediaType::DOCKER_MANIFEST].into_iter());
    let found = world.registry.acceptable_manifest(&name("a"), &"v1".parse().unwrap(), &accept).await;
    assert_eq!(found.unwrap_err(), RegistryError::NotAcceptable(MediaType::OCI_MANIFEST.parse().unwrap()));
}
