use bulkhead_core::ports::catalog::{Catalog, Deletion, Expected, PutManifest, TagFilter};
use bulkhead_oci::{Reference, Tag};

use super::{Delete, Push, add, by_tag, digest, event, fresh, image, name, outbox, pointing, pull, stored, tag};

#[tokio::test]
async fn tags_come_in_byte_order_a_page_at_a_time() {
    let (_home, catalog, registry) = fresh().await;
    for text in ["b", "a", "B", "_x", "a.1", "10", "9"] {
        Push::new("r", 10, image(&[])).tagged(text).to(&catalog, registry).await;
    }
    let repository = name("r");
    let page = async |after: Option<&str>, limit| {
        let tags = catalog.tags(registry, &repository, after, limit).await.unwrap().unwrap();
        tags.iter().map(|tag| tag.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 100).await, ["10", "9", "B", "_x", "a", "a.1", "b"]);
    assert_eq!(page(None, 2).await, ["10", "9"]);
    assert_eq!(page(Some("9"), 2).await, ["B", "_x"]);
    assert_eq!(page(Some("A\0 % no tag ü"), 2).await, ["B", "_x"]);
    assert_eq!(page(Some("b"), 2).await, Vec::<String>::new());
    assert_eq!(page(None, 0).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_repository_that_is_not_there_has_no_tags_and_one_that_is_may_have_none() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    for limit in [0, 1] {
        assert_eq!(catalog.tags(registry, &name("a"), None, limit).await.unwrap(), Some(vec![]));
        assert_eq!(catalog.tags(registry, &name("b"), None, limit).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_push_sets_all_of_its_tags() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
    let put = Push::new("a", 11, image(&[])).tagged("v1").tagged("v2").tagged("v3").to(&catalog, registry).await;
    assert_eq!(put, stored());
    for text in ["v1", "v2", "v3"] {
        assert_eq!(pull(&catalog, registry, "a", &by_tag(text)).await.unwrap().digest, digest(11));
    }
}

#[tokio::test]
async fn a_refused_push_sets_none_of_its_tags() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    let put = Push::new("a", 11, image(&[1])).tagged("v1").tagged("v2").to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(1)]));
    let states = catalog.tag_states(registry, &name("a"), &[tag("v1"), tag("v2")]).await.unwrap();
    assert_eq!(states, [pointing("v1", Some(10)), pointing("v2", None)]);
}

#[tokio::test]
async fn a_push_is_stored_if_every_tag_is_what_is_expected() {
    let (_home, catalog, registry) = fresh().await;
    let put = Push::new("a", 10, image(&[])).expecting("v1", Expected::Nothing).to(&catalog, registry).await;
    assert_eq!(put, stored());
    let moved = Push::new("a", 11, image(&[]))
        .expecting("v1", Expected::Digest(digest(10)))
        .expecting("v2", Expected::Nothing)
        .expecting("v3", Expected::Anything);
    assert_eq!(moved.to(&catalog, registry).await, stored());
    let tags = catalog.tagged(registry, &name("a"), TagFilter::All, None, 9).await.unwrap();
    assert_eq!(tags, [pointing("v1", Some(11)), pointing("v2", Some(11)), pointing("v3", Some(11))]);
}

#[tokio::test]
async fn a_push_onto_a_tag_that_changed_leaves_nothing() {
    let (home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    for (text, expected) in [
        ("v1", Expected::Nothing),
        ("v1", Expected::Digest(digest(9))),
        ("v2", Expected::Digest(digest(10))),
        ("v2", Expected::Digest(digest(11))),
    ] {
        let push = Push::new("a", 11, image(&[])).tagged("v0").expecting(text, expected).telling(event(1));
        assert_eq!(push.to(&catalog, registry).await, PutManifest::Changed);
    }
    let elsewhere = Push::new("b", 11, image(&[])).expecting("v1", Expected::Digest(digest(10))).to(&catalog, registry).await;
    assert_eq!(elsewhere, PutManifest::Changed, "another repository's tag is none");
    assert_eq!(catalog.tagged(registry, &name("a"), TagFilter::All, None, 9).await.unwrap(), [pointing("v1", Some(10))]);
    assert_eq!(pull(&catalog, registry, "a", &Reference::Digest(digest(11))).await, None);
    assert_eq!(home.number("SELECT count(*) FROM repositories").await, 1);
    assert!(outbox(&catalog).await.is_empty());
}

#[tokio::test]
async fn of_two_pushes_that_expect_the_same_one_is_stored() {
    let (_home, catalog, registry) = fresh().await;
    let push = |number| Push::new("a", number, image(&[])).expecting("v1", Expected::Nothing).to(&catalog, registry);
    let (first, second) = tokio::join!(push(10), push(11));
    assert_eq!((first, second), (stored(), PutManifest::Changed));
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
}

#[tokio::test]
async fn what_is_missing_is_told_before_what_changed() {
    let (_home, catalog, registry) = fresh().await;
    let put = Push::new("a", 10, image(&[1])).expecting("v1", Expected::Digest(digest(9))).to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(1)]));
}

#[tokio::test]
async fn the_states_of_tags_come_in_the_order_that_was_asked_for() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    Push::new("a", 11, image(&[])).tagged("v2").to(&catalog, registry).await;
    let states = catalog.tag_states(registry, &name("a"), &["v2", "v0", "v1", "v2"].map(tag)).await.unwrap();
    assert_eq!(states, [pointing("v2", Some(11)), pointing("v0", None), pointing("v1", Some(10)), pointing("v2", Some(11))]);
    assert_eq!(catalog.tag_states(registry, &name("a"), &[]).await.unwrap(), []);
    assert_eq!(catalog.tag_states(registry, &name("b"), &[tag("v1")]).await.unwrap(), [pointing("v1", None)]);
}

#[tokio::test]
async fn more_states_than_256_at_once_are_an_error() {
    let (_home, catalog, registry) = fresh().await;
    let tags: Vec<Tag> = (0..257).map(|number| tag(&format!("v{number}"))).collect();
    assert_eq!(catalog.tag_states(registry, &name("a"), &tags[..256]).await.unwrap().len(), 256);
    assert!(catalog.tag_states(registry, &name("a"), &tags).await.is_err());
}

#[tokio::test]
async fn tags_that_point_to_a_manifest_come_a_page_at_a_time() {
    let (_home, catalog, registry) = fresh().await;
    for (text, number) in [("a", 10), ("b", 11), ("c", 10), ("d", 11), ("e", 10)] {
        Push::new("r", number, image(&[])).tagged(text).to(&catalog, registry).await;
    }
    let repository = name("r");
    let page = async |filter: TagFilter<'_>, after: Option<&str>, limit| {
        let after = after.map(tag);
        let found = catalog.tagged(registry, &repository, filter, after.as_ref(), limit).await.unwrap();
        found.into_iter().map(|state| state.tag.as_str().to_owned()).collect::<Vec<_>>()
    };
    let (ten, none) = (digest(10), digest(12));
    assert_eq!(page(TagFilter::PointingTo(&ten), None, 9).await, ["a", "c", "e"]);
    assert_eq!(page(TagFilter::PointingTo(&ten), Some("b"), 1).await, ["c"]);
    assert_eq!(page(TagFilter::PointingTo(&none), None, 9).await, Vec::<String>::new());
    assert_eq!(page(TagFilter::All, None, 2).await, ["a", "b"]);
    assert_eq!(page(TagFilter::All, Some("b"), 9).await, ["c", "d", "e"]);
    assert_eq!(page(TagFilter::All, None, 0).await, Vec::<String>::new());
}

#[tokio::test]
async fn removing_a_tag_leaves_its_manifest() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    assert!(pull(&catalog, registry, "a", &by_tag("v1")).await.is_some());
    let gone = Delete::from("a").telling(event(1)).tag("v1", &Expected::Anything, &catalog, registry).await;
    assert_eq!(gone, Deletion::Deleted);
    let again = Delete::from("a").telling(event(2)).tag("v1", &Expected::Anything, &catalog, registry).await;
    assert_eq!(again, Deletion::Absent);
    assert_eq!(outbox(&catalog).await, [event(1).event.id]);
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None);
    assert!(pull(&catalog, registry, "a", &Reference::Digest(digest(10))).await.is_some());
}

#[tokio::test]
async fn a_tag_that_is_not_what_is_expected_stays() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    for expected in [Expected::Nothing, Expected::Digest(digest(9))] {
        let gone = Delete::from("a").telling(event(1)).tag("v1", &expected, &catalog, registry).await;
        assert_eq!(gone, Deletion::Changed);
    }
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
    let absent = Delete::from("a").tag("v2", &Expected::Digest(digest(10)), &catalog, registry).await;
    assert_eq!(absent, Deletion::Absent);
    let gone = Delete::from("a").tag("v1", &Expected::Digest(digest(10)), &catalog, registry).await;
    assert_eq!(gone, Deletion::Deleted);
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None);
}
