use bulkhead_core::ports::catalog::Catalog;
use bulkhead_oci::Digest;

use super::{Home, Push, add, descriptor, digest, fresh, image, name};

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
async fn repositories_with_a_manifest_come_in_byte_order_a_page_at_a_time() {
    let (_home, catalog, registry) = fresh().await;
    for text in ["b", "a/b", "a-b", "a", "a0"] {
        Push::new(text, 10, image(&[])).to(&catalog, registry).await;
    }
    add(&catalog, registry, "a1", 1).await;
    let page = async |after: Option<&str>, limit| {
        let names = catalog.repositories(registry, after, limit).await.unwrap();
        names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 100).await, ["a", "a-b", "a/b", "a0", "b"]);
    assert_eq!(page(Some("a"), 2).await, ["a-b", "a/b"]);
    assert_eq!(page(Some("a/z"), 2).await, ["a0", "b"]);
    assert_eq!(page(Some("b"), 2).await, Vec::<String>::new());
    assert_eq!(page(None, 0).await, Vec::<String>::new());
    catalog.remove_manifest(registry, &name("a"), &digest(10), vec![]).await.unwrap();
    assert_eq!(page(None, 1).await, ["a-b"]);
}

#[tokio::test]
async fn referrers_are_those_of_the_subject_and_type_after_the_last_one() {
    let (_home, catalog, registry) = fresh().await;
    for number in 10..20 {
        let mut manifest = image(&[]);
        manifest.subject = Some(descriptor(if number == 19 { 2 } else { 1 }));
        manifest.artifact_type = Some(if number % 2 == 0 { "even/x" } else { "odd/x" }.to_owned());
        Push::new("a", number, manifest).to(&catalog, registry).await;
    }
    let repository = name("a");
    let page = async |artifact_type: Option<&str>, after: Option<&Digest>, limit| {
        let found = catalog.referrers(registry, &repository, &digest(1), artifact_type, after, limit).await.unwrap();
        found.into_iter().map(|record| record.digest).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 100).await, (10..19).map(digest).collect::<Vec<_>>());
    assert_eq!(page(None, Some(&digest(12)), 2).await, [digest(13), digest(14)]);
    assert_eq!(page(Some("even/x"), Some(&digest(12)), 2).await, [digest(14), digest(16)]);
    assert_eq!(page(Some("none/x"), None, 2).await, Vec::<Digest>::new());
    assert_eq!(catalog.referrers(registry, &name("b"), &digest(1), None, None, 9).await.unwrap(), vec![]);
    catalog.remove_manifest(registry, &repository, &digest(10), vec![]).await.unwrap();
    assert_eq!(page(None, None, 1).await, [digest(11)]);
}

#[tokio::test]
async fn a_page_of_any_list_comes_from_an_index_without_sorting() {
    let home = Home::new();
    drop(home.open().await);
    let plans = [
        "SELECT name FROM repositories WHERE registry_id = 1 AND name > 'x'
         AND EXISTS (SELECT 1 FROM manifests WHERE repository_id = repositories.id) ORDER BY name LIMIT 5",
        "SELECT tags.name FROM repositories LEFT JOIN tags ON tags.repository_id = repositories.id AND tags.name > 'x'
         WHERE repositories.registry_id = 1 AND repositories.name = 'r' ORDER BY tags.name LIMIT 5",
        "SELECT digest, body FROM manifests WHERE repository_id = (SELECT 7) AND subject = 's' AND digest > 'x'
         ORDER BY digest LIMIT 5",
        "SELECT id FROM deliveries WHERE state = 'pending' AND due <= 5 ORDER BY due, id LIMIT 5",
    ];
    for query in plans {
        let steps = home.plan(query).await;
        let slow = |step: &String| step.contains("TEMP B-TREE") || step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW";
        assert!(!steps.iter().any(slow), "{steps:?}");
    }
}
