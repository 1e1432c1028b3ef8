//! Attributes: what is known, what a lock forbids, and that it forbids it at the moment of the change.

use bulkhead_core::ports::catalog::{
    Added, Attribute, Attributed, AttributedFacts, Attributes, AttributesChange, AttributesRecord, Catalog, Deletion, Expected,
    Lock, LockedBy, Mounted, PutManifest, Referenced, RepositoryDeletion, TagFilter,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{MediaType, Reference};

use super::{
    Delete, Home, NOW, Push, add, blob, body, by_tag, descriptor, digest, event, fresh, image, index, name, outbox, pull, stored,
    tag, upload,
};
use crate::SqliteCatalog;
use crate::write::{Answer, Deliveries, RemoveBlob, Write};

/// Later than all else.
const LATER: Timestamp = Timestamp(NOW.0 + 1000);

const UNWRITABLE: AttributesChange =
    AttributesChange { write_enabled: Some(false), delete_enabled: None, read_enabled: None, list_enabled: None };
const UNDELETABLE: AttributesChange = AttributesChange { write_enabled: None, delete_enabled: Some(false), ..UNWRITABLE };
const UNREADABLE: AttributesChange = AttributesChange { write_enabled: None, read_enabled: Some(false), ..UNWRITABLE };
const UNLISTED: AttributesChange = AttributesChange { write_enabled: None, list_enabled: Some(false), ..UNWRITABLE };
const EVERYTHING: AttributesChange = AttributesChange {
    write_enabled: Some(true),
    delete_enabled: Some(true),
    read_enabled: Some(true),
    list_enabled: Some(true),
};

async fn change(catalog: &SqliteCatalog, registry: RegistryId, repository: &str, of: &Attributed, change: AttributesChange) {
    let changed = catalog.change_attributes(registry, &name(repository), of, &change, LATER).await.unwrap();
    assert!(changed.is_some(), "{of:?} is not there");
}

fn manifest(number: u64) -> Attributed {
    Attributed::Manifest(digest(number))
}

fn of_tag(text: &str) -> Attributed {
    Attributed::Tag(tag(text))
}

fn lock(on: LockedBy, attribute: Attribute) -> Lock {
    Lock { on, attribute }
}

/// An image of one blob under two tags, in `a`.
async fn filled() -> (Home, SqliteCatalog, RegistryId) {
    let (home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    Push::new("a", 10, image(&[1])).tagged("v1").tagged("v2").to(&catalog, registry).await;
    (home, catalog, registry)
}

#[tokio::test]
async fn what_is_known_of_each_and_what_a_change_makes_of_it() {
    let (_home, catalog, registry) = filled().await;
    let a = name("a");
    let read = async |of: &Attributed| catalog.attributes(registry, &a, of).await.unwrap();
    let record = |facts| AttributesRecord { created: NOW, updated: NOW, attributes: Attributes::default(), facts };
    let media_type: MediaType = MediaType::OCI_MANIFEST.parse().unwrap();
    let of_manifest = AttributedFacts::Manifest { media_type, size: body(10).len() as u64, tags: vec![tag("v1"), tag("v2")] };
    let all = [
        (Attributed::Repository, AttributedFacts::Repository { manifests: 1, tags: 2 }),
        (manifest(10), of_manifest),
        (of_tag("v1"), AttributedFacts::Tag { digest: digest(10) }),
    ];
    for (of, facts) in &all {
        assert_eq!(read(of).await, Some(record(facts.clone())));
    }
    for (of, facts) in all {
        let changed = catalog.change_attributes(registry, &a, &of, &UNDELETABLE, LATER).await.unwrap();
        let expected = Attributes { delete_enabled: false, ..Attributes::default() };
        assert_eq!(changed, Some(expected));
        assert_eq!(read(&of).await, Some(AttributesRecord { updated: LATER, attributes: expected, ..record(facts) }));
        let changed = catalog.change_attributes(registry, &a, &of, &UNREADABLE, NOW).await.unwrap();
        assert_eq!(changed, Some(Attributes { read_enabled: false, ..expected }), "what is not named stays");
        assert_eq!(read(&of).await.unwrap().updated, LATER, "time does not go back");
    }
    assert_eq!(read(&of_tag("v2")).await.unwrap().attributes, Attributes::default());
    for (repository, of) in [("b", Attributed::Repository), ("b", of_tag("v1")), ("a", of_tag("v3")), ("a", manifest(11))] {
        let repository = name(repository);
        assert_eq!(catalog.attributes(registry, &repository, &of).await.unwrap(), None);
        assert_eq!(catalog.change_attributes(registry, &repository, &of, &UNDELETABLE, NOW).await.unwrap(), None);
    }
    assert_eq!(catalog.repository_attributes(registry, &name("b")).await.unwrap(), Attributes::default());
}

#[tokio::test]
async fn attributes_of_another_registry_are_not_touched() {
    let (_home, catalog, registry) = filled().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    add(&catalog, other, "a", 1).await;
    Push::new("a", 10, image(&[1])).tagged("v1").to(&catalog, other).await;
    for of in [Attributed::Repository, manifest(10), of_tag("v1")] {
        change(&catalog, other, "a", &of, UNREADABLE).await;
        let mine = catalog.attributes(registry, &name("a"), &of).await.unwrap().unwrap();
        assert_eq!((mine.attributes, mine.updated), (Attributes::default(), NOW));
    }
    assert_eq!(catalog.repository_attributes(registry, &name("a")).await.unwrap(), Attributes::default());
}

#[tokio::test]
async fn what_is_remembered_changes_with_its_attributes() {
    let (_home, catalog, registry) = filled().await;
    let a = name("a");
    let read = async |reference: &Reference| pull(&catalog, registry, "a", reference).await.unwrap().attributes.read_enabled;
    let (by_tag, by_digest) = (by_tag("v1"), Reference::Digest(digest(10)));
    assert!(read(&by_tag).await && read(&by_digest).await);
    assert!(catalog.cache.manifest(registry, &a, &by_tag).is_some());
    change(&catalog, registry, "a", &of_tag("v1"), UNREADABLE).await;
    for _ in 0..2 {
        assert_eq!((read(&by_tag).await, read(&by_digest).await), (false, true));
    }
    change(&catalog, registry, "a", &of_tag("v1"), EVERYTHING).await;
    change(&catalog, registry, "a", &manifest(10), UNREADABLE).await;
    for _ in 0..2 {
        assert_eq!((read(&by_tag).await, read(&by_digest).await), (false, false));
    }
    for (attributes, expected) in [(UNREADABLE, false), (EVERYTHING, true)] {
        change(&catalog, registry, "a", &Attributed::Repository, attributes).await;
        for _ in 0..2 {
            assert_eq!(catalog.repository_attributes(registry, &a).await.unwrap().read_enabled, expected);
        }
        assert!(catalog.cache.repository(registry, &a).is_some());
    }
}

#[tokio::test]
async fn a_locked_tag_is_not_set_and_nothing_of_the_push_is_stored() {
    let (home, catalog, registry) = filled().await;
    change(&catalog, registry, "a", &of_tag("v1"), UNWRITABLE).await;
    let locked = PutManifest::Locked(lock(LockedBy::Tag(tag("v1")), Attribute::Write));
    for (number, expected) in [(11, Expected::Anything), (11, Expected::Nothing), (11, Expected::Digest(digest(10)))] {
        let push = Push::new("a", number, image(&[])).tagged("v3").expecting("v1", expected).telling(event(1));
        assert_eq!(push.to(&catalog, registry).await, locked);
    }
    let again = Push::new("a", 10, image(&[1])).tagged("v1").telling(event(1));
    assert_eq!(again.to(&catalog, registry).await, locked, "not even on what it points to");
    let faulty = Push::new("a", 11, image(&[99])).tagged("v1").telling(event(1));
    assert_eq!(faulty.to(&catalog, registry).await, locked, "before all else");
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap().unwrap(), [tag("v1"), tag("v2")]);
    assert_eq!(home.number("SELECT count(*) FROM manifests").await, 1);
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(Push::new("a", 11, image(&[])).tagged("v2").to(&catalog, registry).await, stored(), "the others move");
    assert_eq!(Push::new("b", 11, image(&[])).tagged("v1").to(&catalog, registry).await, stored(), "and elsewhere");
    change(&catalog, registry, "a", &of_tag("v1"), EVERYTHING).await;
    assert_eq!(Push::new("a", 11, image(&[])).tagged("v1").to(&catalog, registry).await, stored());
}

#[tokio::test]
async fn a_lock_refuses_a_large_manifest_without_a_write() {
    let (_home, catalog, registry) = filled().await;
    change(&catalog, registry, "a", &of_tag("v1"), UNWRITABLE).await;
    let large = index(&(1000..2000).collect::<Vec<_>>());
    let before = catalog.counts();
    let put = Push::new("a", 20, large).tagged("v1").to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Locked(lock(LockedBy::Tag(tag("v1")), Attribute::Write)));
    assert_eq!(catalog.counts(), before);
}

#[tokio::test]
async fn a_locked_repository_takes_nothing() {
    let (home, catalog, registry) = filled().await;
    add(&catalog, registry, "b", 2).await;
    change(&catalog, registry, "a", &Attributed::Repository, UNWRITABLE).await;
    let locked = lock(LockedBy::Repository, Attribute::Write);
    for push in [Push::new("a", 11, image(&[])), Push::new("a", 11, image(&[])).tagged("v9"), Push::new("a", 10, image(&[1]))] {
        assert_eq!(push.telling(event(1)).to(&catalog, registry).await, PutManifest::Locked(locked.clone()));
    }
    let record = upload("a", 3);
    catalog.create_upload(registry, &record).await.unwrap();
    let added = catalog.add_blob(registry, &name("a"), &blob(3), Some(&record.id), NOW).await.unwrap();
    assert_eq!(added, Added::Locked(locked.clone()));
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), Some(record));
    let mounted = catalog.mount_blob(registry, &name("b"), &name("a"), &digest(2), NOW, vec![event(1)]).await.unwrap();
    assert_eq!(mounted, Mounted::Locked(locked));
    for (count, left) in [
        ("SELECT count(*) FROM manifests", 1),
        ("SELECT count(*) FROM tags", 2),
        ("SELECT count(*) FROM blobs", 2),
        ("SELECT count(*) FROM repository_blobs", 2),
    ] {
        assert_eq!(home.number(count).await, left, "{count}");
    }
    assert!(outbox(&catalog).await.is_empty());
    let mounted = catalog.mount_blob(registry, &name("a"), &name("b"), &digest(1), NOW, vec![]).await.unwrap();
    assert_eq!(mounted, Mounted::Done(blob(1)), "it may be read");
}

#[tokio::test]
async fn nothing_is_mounted_from_a_repository_that_may_not_be_read() {
    let (home, catalog, registry) = filled().await;
    add(&catalog, registry, "b", 1).await;
    change(&catalog, registry, "a", &Attributed::Repository, UNREADABLE).await;
    assert_eq!(catalog.holders(registry, &digest(1), 9).await.unwrap(), [name("b")]);
    let mounted = catalog.mount_blob(registry, &name("a"), &name("c"), &digest(1), NOW, vec![event(1)]).await.unwrap();
    assert_eq!(mounted, Mounted::Absent);
    assert_eq!(home.number("SELECT count(*) FROM repositories").await, 2);
    assert!(outbox(&catalog).await.is_empty());
}

/// What each deletion answers: of the tag `v1`, of the manifest 10, of the blob 2 that nobody needs, and of the repository.
async fn deletions(catalog: &SqliteCatalog, registry: RegistryId) -> [Option<Lock>; 4] {
    let locked = |deletion| match deletion {
        Deletion::Locked(lock) => Some(lock),
        Deletion::Deleted => None,
        other => panic!("{other:?}"),
    };
    let delete = || Delete::from("a").telling(event(1));
    let all = match delete().all(catalog, registry).await {
        RepositoryDeletion::Locked(lock) => Some(lock),
        RepositoryDeletion::Deleted { .. } => None,
        other => panic!("{other:?}"),
    };
    if all.is_none() {
        return [None, None, None, None];
    }
    let by_tag = locked(delete().tag("v1", &Expected::Anything, catalog, registry).await);
    let by_digest = match delete().manifest(10, catalog, registry).await {
        Deletion::Absent => None,
        other => locked(other),
    };
    [by_tag, by_digest, locked(delete().blob(2, catalog, registry).await), all]
}

#[tokio::test]
async fn what_a_lock_is_on_and_what_holds_it_are_not_deleted() {
    for (attributes, attribute) in [(UNWRITABLE, Attribute::Write), (UNDELETABLE, Attribute::Delete)] {
        let on = |on: &LockedBy| Some(lock(on.clone(), attribute));
        let (repository, of_manifest, v1, v2) =
            (LockedBy::Repository, LockedBy::Manifest(digest(10)), LockedBy::Tag(tag("v1")), LockedBy::Tag(tag("v2")));
        for (of, expected) in [
            (Attributed::Repository, [on(&repository), on(&repository), on(&repository), on(&repository)]),
            (manifest(10), [None, on(&of_manifest), None, on(&of_manifest)]),
            (of_tag("v1"), [on(&v1), on(&v1), None, on(&v1)]),
            (of_tag("v2"), [None, on(&v2), None, on(&v2)]),
        ] {
            let (home, catalog, registry) = filled().await;
            add(&catalog, registry, "a", 2).await;
            change(&catalog, registry, "a", &of, attributes).await;
            assert_eq!(deletions(&catalog, registry).await, expected, "{of:?} {attribute:?}");
            let gone = expected.iter().filter(|lock| lock.is_none()).count();
            assert_eq!(outbox(&catalog).await.len(), gone, "{of:?} {attribute:?}");
            assert_eq!(home.number("SELECT count(*) FROM manifests").await, 1, "{of:?} {attribute:?}");
            assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn what_may_not_be_read_or_listed_is_deleted_all_the_same() {
    for attributes in [UNREADABLE, UNLISTED] {
        for of in [Attributed::Repository, manifest(10), of_tag("v1")] {
            let (home, catalog, registry) = filled().await;
            change(&catalog, registry, "a", &of, attributes).await;
            assert_eq!(deletions(&catalog, registry).await, [None, None, None, None]);
            assert_eq!(home.number("SELECT count(*) FROM repositories").await, 0);
        }
    }
}

#[tokio::test]
async fn what_a_locked_image_is_made_of_stays_where_needed_content_may_go() {
    for of in [manifest(20), of_tag("v1")] {
        let (_home, catalog, registry) = fresh().await;
        add(&catalog, registry, "a", 1).await;
        Push::new("a", 10, image(&[1])).to(&catalog, registry).await;
        Push::new("a", 20, index(&[10])).tagged("v1").to(&catalog, registry).await;
        change(&catalog, registry, "a", &of, UNDELETABLE).await;
        let delete = || Delete::from("a").although_needed().telling(event(1));
        assert_eq!(delete().manifest(10, &catalog, registry).await, Deletion::NeededBy(digest(20)), "{of:?}");
        assert_eq!(delete().blob(1, &catalog, registry).await, Deletion::NeededBy(digest(10)), "{of:?}");
        assert!(outbox(&catalog).await.is_empty());
        assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
        change(&catalog, registry, "a", &of, EVERYTHING).await;
        assert_eq!(delete().blob(1, &catalog, registry).await, Deletion::Deleted);
        assert_eq!(delete().manifest(10, &catalog, registry).await, Deletion::Deleted);
    }
}

/// A reader saw no lock, so nobody asked who needs the blob; then a lock came.
#[tokio::test]
async fn a_blob_stays_whose_image_was_locked_while_its_deletion_was_on_its_way() {
    let (_home, catalog, registry) = filled().await;
    change(&catalog, registry, "a", &of_tag("v1"), UNDELETABLE).await;
    let write = Write::RemoveBlob(RemoveBlob {
        registry,
        repository: name("a"),
        digest: digest(1),
        unneeded_up_to: None,
        deliveries: Deliveries::new(&[event(1)], None).unwrap(),
    });
    match catalog.write("removing a blob", write).await.unwrap() {
        Answer::Deletion(deletion) => assert_eq!(deletion, Deletion::Changed),
        other => panic!("{other:?}"),
    }
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    assert!(outbox(&catalog).await.is_empty());
    let removed = catalog.remove_blob(registry, &name("a"), &digest(1), Referenced::Allow, vec![]).await.unwrap();
    assert_eq!(removed, Deletion::NeededBy(digest(10)));
}

#[tokio::test]
async fn lists_show_what_may_be_listed() {
    let (_home, catalog, registry) = filled().await;
    Push::new("b", 10, image(&[])).to(&catalog, registry).await;
    for number in [30, 31] {
        let mut referrer = image(&[]);
        referrer.subject = Some(descriptor(10));
        Push::new("a", number, referrer).to(&catalog, registry).await;
    }
    let a = name("a");
    let listed = async || {
        let repositories = catalog.repositories(registry, None, 9).await.unwrap();
        let tags = catalog.tags(registry, &a, None, 9).await.unwrap().unwrap();
        let referrers = catalog.referrers(registry, &a, &digest(10), None, None, 9).await.unwrap();
        let typed = catalog.referrers(registry, &a, &digest(10), Some("application/config"), None, 9).await.unwrap();
        assert_eq!(referrers, typed);
        (repositories, tags, referrers.items.into_iter().map(|record| record.digest).collect::<Vec<_>>())
    };
    let all = [(Attributed::Repository), (of_tag("v1")), (manifest(30))];
    for of in &all {
        change(&catalog, registry, "a", of, UNLISTED).await;
    }
    assert_eq!(listed().await, (vec![name("b")], vec![tag("v2")], vec![digest(31)]));
    let tagged = catalog.tagged(registry, &a, TagFilter::All, None, 9).await.unwrap();
    assert_eq!(tagged.len(), 2, "whoever reviews a deletion is shown all");
    let Some(AttributesRecord { facts: AttributedFacts::Manifest { tags, .. }, .. }) =
        catalog.attributes(registry, &a, &manifest(10)).await.unwrap()
    else {
        panic!("it is a manifest")
    };
    assert_eq!(tags, [tag("v2")]);
    assert!(pull(&catalog, registry, "a", &by_tag("v1")).await.is_some());
    change(&catalog, registry, "a", &of_tag("v2"), UNLISTED).await;
    assert_eq!(catalog.tags(registry, &a, None, 9).await.unwrap(), Some(vec![]), "it is there still");
    for of in all.iter().chain([&of_tag("v2")]) {
        change(&catalog, registry, "a", of, EVERYTHING).await;
    }
    assert_eq!(listed().await, (vec![name("a"), name("b")], vec![tag("v1"), tag("v2")], vec![digest(30), digest(31)]));
}

#[tokio::test]
async fn a_tag_that_moves_keeps_its_attributes_and_one_that_comes_anew_has_none() {
    let (_home, catalog, registry) = filled().await;
    change(&catalog, registry, "a", &of_tag("v1"), UNDELETABLE).await;
    change(&catalog, registry, "a", &of_tag("v2"), UNREADABLE).await;
    Push::new("a", 11, image(&[])).tagged("v1").to(&catalog, registry).await;
    let gone = Delete::from("a").tag("v1", &Expected::Anything, &catalog, registry).await;
    assert_eq!(gone, Deletion::Locked(lock(LockedBy::Tag(tag("v1")), Attribute::Delete)));
    assert_eq!(Delete::from("a").manifest(10, &catalog, registry).await, Deletion::Deleted, "no lock points to it any more");
    Push::new("a", 11, image(&[])).tagged("v2").to(&catalog, registry).await;
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v2")).await.unwrap().attributes, Attributes::default());
}

#[tokio::test]
async fn a_repository_that_comes_anew_has_no_lock() {
    let (_home, catalog, registry) = filled().await;
    change(&catalog, registry, "a", &Attributed::Repository, UNREADABLE).await;
    assert!(!catalog.repository_attributes(registry, &name("a")).await.unwrap().read_enabled);
    assert!(matches!(Delete::from("a").all(&catalog, registry).await, RepositoryDeletion::Deleted { .. }));
    assert_eq!(catalog.repository_attributes(registry, &name("a")).await.unwrap(), Attributes::default());
    add(&catalog, registry, "a", 1).await;
    assert_eq!(catalog.repository_attributes(registry, &name("a")).await.unwrap(), Attributes::default());
}

#[tokio::test]
async fn a_repository_tells_when_its_content_last_changed() {
    let (_home, catalog, registry) = filled().await;
    let updated = async || catalog.attributes(registry, &name("a"), &Attributed::Repository).await.unwrap().unwrap().updated;
    assert_eq!(updated().await, NOW);
    add(&catalog, registry, "a", 7).await;
    let removed = catalog.remove_tag(registry, &name("a"), &tag("v9"), &Expected::Anything, LATER, vec![]).await.unwrap();
    assert_eq!((removed, updated().await), (Deletion::Absent, NOW));
    catalog.remove_tag(registry, &name("a"), &tag("v1"), &Expected::Anything, LATER, vec![]).await.unwrap();
    assert_eq!(updated().await, LATER);
    Push::new("a", 11, image(&[])).to(&catalog, registry).await;
    assert_eq!(updated().await, LATER, "time does not go back");
}

#[tokio::test]
async fn locks_outlive_the_process() {
    let (home, catalog, registry) = filled().await;
    for of in [Attributed::Repository, manifest(10), of_tag("v1")] {
        change(&catalog, registry, "a", &of, UNWRITABLE).await;
    }
    let catalog = home.copy().open().await;
    for of in [Attributed::Repository, manifest(10), of_tag("v1")] {
        let record = catalog.attributes(registry, &name("a"), &of).await.unwrap().unwrap();
        assert_eq!(record.attributes, Attributes { write_enabled: false, ..Attributes::default() });
    }
}
