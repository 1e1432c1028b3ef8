//! Pushes with several tags, under conditions, and of what is not all there.

use bulkhead_core::ports::catalog::Sparse;
use bulkhead_core::ports::event::EventAction;
use bulkhead_core::registry::{Condition, Etags, ManifestPush, PushTarget, RegistryError, Rules};
use bulkhead_oci::{Algorithm, MediaType, Reference};

use crate::support::{World, image, index, name, sha256, sha512};

#[tokio::test]
async fn a_push_sets_all_its_tags_and_tells_of_each() {
    let world = World::hearing(&[EventAction::Push]).await;
    let blob = world.push_blob("a", b"content").await;
    let body = image(&blob, 7);
    let pushed = world.put_with_tags("a", body.clone(), &["v1", "v1.2", "v1", "latest"]).await.unwrap();
    assert_eq!(pushed.tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["v1", "v1.2", "latest"]);
    for tag in ["v1", "v1.2", "latest"] {
        assert_eq!(world.tagged("a", tag).await, Some(sha256(&body)), "{tag}");
    }
    let heard: Vec<_> = world.due().await.into_iter().filter_map(|(_, _, tag)| tag).collect();
    assert_eq!(heard, ["v1", "v1.2", "latest"]);
}

#[tokio::test]
async fn a_refused_push_sets_none_of_its_tags() {
    let world = World::hearing(&[EventAction::Push]).await;
    let absent = sha256(b"absent");
    let refused = world.put_with_tags("a", image(&absent, 6), &["v1", "v2"]).await;
    assert_eq!(refused.unwrap_err(), RegistryError::MissingReferences(vec![absent]));
    assert_eq!((world.tagged("a", "v1").await, world.tagged("a", "v2").await), (None, None));
    assert_eq!(world.due().await, []);
}

#[tokio::test]
async fn a_manifest_pushed_by_tag_has_the_digest_of_the_algorithm_that_was_asked_for() {
    let world = World::new().await;
    let blob = world.push_blob("a", b"content").await;
    let body = image(&blob, 7);
    for (tag, algorithm, digest) in [("new", Algorithm::Sha512, sha512(&body)), ("old", Algorithm::Sha256, sha256(&body))] {
        let target = PushTarget::Tag { tag: tag.parse().unwrap(), algorithm };
        let pushed = world.push("a", target, body.clone(), Condition::default()).await.unwrap();
        assert_eq!(pushed.digest, digest);
        assert_eq!(world.tagged("a", tag).await, Some(digest.clone()));
        assert!(world.registry.manifest(&name("a"), &Reference::Digest(digest)).await.is_ok());
    }
}

fn only(etags: Etags) -> Condition {
    Condition { if_match: Some(etags), if_none_match: None }
}

fn not(etags: Etags) -> Condition {
    Condition { if_match: None, if_none_match: Some(etags) }
}

#[tokio::test]
async fn a_push_under_a_condition_changes_only_what_its_client_has_seen() {
    let world = World::new().await;
    let first = world.push_image("a", "v1", b"first").await;
    let second = image(&world.push_blob("a", b"second").await, 6);
    let put = async |tag: &str, condition| {
        let target = PushTarget::Tag { tag: tag.parse().unwrap(), algorithm: Algorithm::Sha256 };
        world.push("a", target, second.clone(), condition).await.map(|_| ())
    };
    let of = |digest: &bulkhead_oci::Digest| Etags::Of(vec!["x".to_owned(), digest.to_string()]);
    let refused = Err(RegistryError::ConditionFailed);
    assert_eq!(put("v1", not(Etags::Any)).await, refused);
    assert_eq!(put("v1", not(of(&first))).await, refused);
    assert_eq!(put("v1", only(of(&sha256(&second)))).await, refused);
    assert_eq!(put("v2", only(Etags::Any)).await, refused);
    assert_eq!((world.tagged("a", "v1").await, world.tagged("a", "v2").await), (Some(first.clone()), None));
    assert_eq!(put("v2", not(Etags::Any)).await, Ok(()));
    assert_eq!(put("v1", only(of(&first))).await, Ok(()));
    assert_eq!(world.tagged("a", "v1").await, Some(sha256(&second)));
}

#[tokio::test]
async fn a_condition_on_a_push_by_digest_is_about_the_manifest_itself() {
    let world = World::new().await;
    let body = image(&world.push_blob("a", b"content").await, 7);
    let target = PushTarget::Digest { digest: sha256(&body), tags: vec![] };
    let fresh = world.push("a", target.clone(), body.clone(), only(Etags::Any)).await;
    assert_eq!(fresh.unwrap_err(), RegistryError::ConditionFailed);
    world.push("a", target.clone(), body.clone(), not(Etags::Any)).await.unwrap();
    let again = world.push("a", target, body, not(Etags::Any)).await;
    assert_eq!(again.unwrap_err(), RegistryError::ConditionFailed);
}

#[tokio::test]
async fn of_two_clients_that_create_the_same_tag_one_wins() {
    let world = World::new().await;
    let blob = world.push_blob("a", b"content").await;
    let bodies = [image(&blob, 7), index(&[])];
    let create = |body: &bytes::Bytes| {
        let target = PushTarget::Tag { tag: "v1".parse().unwrap(), algorithm: Algorithm::Sha256 };
        world.push("a", target, body.clone(), not(Etags::Any))
    };
    let (one, other) = tokio::join!(create(&bodies[0]), create(&bodies[1]));
    let won: Vec<_> = [one, other].into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(world.tagged("a", "v1").await, Some(won[0].digest.clone()));
}

#[tokio::test]
async fn what_a_manifest_may_lack_is_a_setting_and_the_client_is_told() {
    let (manifest, blob) = (sha256(b"no manifest"), sha256(b"no blob"));
    let (sparse_index, sparse_image) = (index(&[(&manifest, 11)]), image(&blob, 7));
    for (sparse, takes_index, takes_image) in
        [(Sparse::Refuse, false, false), (Sparse::Indexes, true, false), (Sparse::All, true, true)]
    {
        let world = World::ruled(Rules { sparse, ..Rules::default() }).await;
        for (tag, body, taken, absent) in
            [("index", &sparse_index, takes_index, &manifest), ("image", &sparse_image, takes_image, &blob)]
        {
            match world.put("a", tag, body.clone()).await {
                Ok(pushed) => {
                    assert!(taken, "{sparse:?} {tag}");
                    assert!(pushed.warnings.iter().any(|warning| warning.contains(absent.as_str())), "{:?}", pushed.warnings);
                }
                Err(error) => {
                    assert!(!taken, "{sparse:?} {tag}");
                    assert_eq!(error, RegistryError::MissingReferences(vec![absent.clone()]));
                }
            }
            assert_eq!(world.tagged("a", tag).await.is_some(), taken, "{sparse:?} {tag}");
        }
    }
}

#[tokio::test]
async fn a_manifest_above_the_limit_is_refused_and_not_kept() {
    let body = index(&[]);
    let world = World::ruled(Rules { max_manifest_bytes: body.len() - 1, ..Rules::default() }).await;
    let refused = world.put("a", "v1", body.clone()).await;
    assert_eq!(refused.unwrap_err(), RegistryError::TooLarge { limit: body.len() as u64 - 1 });
    assert_eq!(world.tagged("a", "v1").await, None);
}

#[tokio::test]
async fn the_same_bytes_are_not_pushed_again_as_something_else() {
    let world = World::hearing(&[EventAction::Push]).await;
    let blob = world.push_blob("a", b"content").await;
    // Without a mediaType of its own, the Content-Type alone says what it is.
    let body: bytes::Bytes = String::from_utf8_lossy(&image(&blob, 7))
        .replace(r#""mediaType":"application/vnd.oci.image.manifest.v1+json","config""#, r#""config""#)
        .into();
    let push = async |tag: &str, media_type: &str| {
        let target = PushTarget::Tag { tag: tag.parse().unwrap(), algorithm: Algorithm::Sha256 };
        let content_type = Some(media_type.parse().unwrap());
        let push = ManifestPush { target, content_type, body: body.clone(), condition: Condition::default() };
        world.registry.put_manifest(world.act(), &name("a"), push).await.map(|_| ())
    };
    push("v1", MediaType::OCI_MANIFEST).await.unwrap();
    let heard = world.due().await;
    let refused = Err(RegistryError::OtherType(MediaType::OCI_MANIFEST.parse().unwrap()));
    assert_eq!(push("v2", MediaType::DOCKER_MANIFEST).await, refused);
    let found = world.registry.manifest(&name("a"), &"v1".parse().unwrap()).await.unwrap();
    assert_eq!(found.media_type.as_str(), MediaType::OCI_MANIFEST);
    assert_eq!((world.tagged("a", "v2").await, world.due().await), (None, heard));
}
