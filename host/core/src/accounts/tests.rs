mod failing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::hasher::{HashError, Hasher};
use super::secret::{random, random_id, slot_of};
use super::validate;
use super::{ManageError, SecretLife, ShownSecret};
use crate::ports::accounts::{AccountKind, AccountName, Right, ScopeEntry, Slot};
use crate::ports::clock::Timestamp;

const DAY: u64 = 24 * 60 * 60 * 1000;

fn invalid<T>(result: Result<T, ManageError>) -> bool {
    matches!(result, Err(ManageError::Invalid(_)))
}

#[test]
fn secrets_are_long_unambiguous_never_the_same_and_tell_their_slot() {
    for slot in [Slot::First, Slot::Second] {
        let (one, other) = (random(slot), random(slot));
        assert_ne!(one, other);
        assert_eq!(one.len(), 40);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() && !b"lIO01".contains(&byte) && byte != b'o'), "{one}");
        assert_eq!(slot_of(&one), slot);
    }
    assert_eq!(slot_of(""), Slot::First, "every text has a slot");
    assert_ne!(random_id(), random_id());
    assert!(random_id().len() == 32 && random_id().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn a_secret_is_not_printed_by_accident() {
    let shown = ShownSecret { slot: Slot::First, secret: "hidden".to_owned(), expires: None };
    assert!(!format!("{shown:?}").contains("hidden"));
}

#[test]
fn a_principals_secret_lives_for_a_year_and_the_others_for_ever_unless_told_otherwise() {
    let now = Timestamp(1_700_000_000_000);
    let end = |life: SecretLife, kind| life.end(kind, now).unwrap().map(|end| end.0 - now.0);
    assert_eq!(end(SecretLife::Usual, AccountKind::ServicePrincipal), Some(365 * DAY));
    assert_eq!(end(SecretLife::Usual, AccountKind::Token), None);
    assert_eq!(end(SecretLife::Usual, AccountKind::Admin), None);
    assert_eq!(end(SecretLife::Forever, AccountKind::ServicePrincipal), None);
    assert_eq!(end(SecretLife::For(Duration::from_secs(1)), AccountKind::Admin), Some(1000));
    for wrong in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(3650 * 86_400 + 1), Duration::MAX] {
        assert!(invalid(SecretLife::For(wrong).end(AccountKind::Token, now)), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_hash_is_salted_argon2id_and_fits_its_secret_alone() {
    let hasher = Hasher::new(1);
    let (one, other) = (hasher.hash("a secret").await.unwrap(), hasher.hash("a secret").await.unwrap());
    assert_ne!(one, other);
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert!(hasher.verify(Some(&one), "a secret").await.unwrap());
    assert!(!hasher.verify(Some(&one), "another").await.unwrap());
    assert!(!hasher.verify(None, "a secret").await.unwrap());
    assert_eq!(hasher.hashes(), 5, "where there is nothing to compare, too");
    assert!(matches!(hasher.verify(Some("$no$hash"), "a secret").await, Err(HashError::Failed(_))));
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_turn_is_told_so_and_nothing_is_hashed() {
    let hasher = Hasher::patient(1, Duration::ZERO);
    let turn = hasher.turn().await.unwrap();
    assert_eq!(hasher.hash("a secret").await, Err(HashError::Busy));
    assert_eq!(hasher.verify(None, "a secret").await, Err(HashError::Busy));
    assert_eq!(hasher.hashes(), 0);
    drop(turn);
    assert!(hasher.hash("a secret").await.is_ok());
}

#[tokio::test]
async fn no_more_wait_than_can_be_served() {
    let hasher = Arc::new(Hasher::new(1));
    let turn = hasher.turn().await.unwrap();
    let (began, begun) = oneshot::channel();
    let crowd = tokio::spawn({
        let hasher = Arc::clone(&hasher);
        async move {
            let wait = (0..401).map(|_| hasher.verify(None, "a secret"));
            let all = futures_util::future::join_all(wait);
            // All of them have asked once the first of them cannot go on.
            let mut all = std::pin::pin!(all);
            assert!(futures_util::poll!(&mut all).is_pending());
            began.send(()).unwrap();
            all.await
        }
    });
    begun.await.unwrap();
    assert_eq!(hasher.verify(None, "a secret").await, Err(HashError::Busy));
    crowd.abort();
    assert!(crowd.await.is_err());
    drop(turn);
    assert_eq!(hasher.verify(None, "a secret").await, Ok(false), "whoever goes away leaves a place");
}

#[tokio::test]
async fn never_more_are_hashed_at_once_than_there_are_cores() {
    let hasher = Hasher::new(2);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let works = (0..20).map(|_| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        hasher.run(move || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
    });
    for ended in futures_util::future::join_all(works).await {
        ended.unwrap();
    }
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    assert_eq!(hasher.hashes(), 20);
}

/// Otherwise a client that hangs up at once would have more hashed at a time than there are cores.
#[tokio::test]
async fn a_hash_whose_caller_went_away_keeps_its_turn_until_it_is_done() {
    let hasher = Arc::new(Hasher::patient(1, Duration::ZERO));
    let (began, begun) = oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (ended, end) = oneshot::channel();
    let caller = tokio::spawn({
        let hasher = Arc::clone(&hasher);
        async move {
            hasher
                .run(move || {
                    began.send(()).unwrap();
                    released.recv().unwrap();
                    ended.send(()).unwrap();
                    Ok(())
                })
                .await
        }
    });
    begun.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert_eq!(hasher.verify(None, "a secret").await, Err(HashError::Busy));
    release.send(()).unwrap();
    end.await.unwrap();
    while hasher.verify(None, "a secret").await == Err(HashError::Busy) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn texts_are_short_and_have_no_control_characters() {
    for right in [String::new(), "Büro 1 — \"x\"".to_owned(), "x".repeat(256)] {
        validate::text(&right, "a text").unwrap();
    }
    for wrong in ["x".repeat(257), "ü".repeat(129), "a\nb".to_owned(), "a\0".to_owned(), "\u{7f}".to_owned(), "\u{85}".to_owned()]
    {
        assert!(invalid(validate::text(&wrong, "a text")), "{wrong:?}");
    }
}

#[test]
fn a_token_has_no_name_that_is_somebody_elses() {
    let registry = "team".parse().unwrap();
    let check = |text: &str| validate::token_name(&text.parse::<AccountName>().unwrap(), &registry);
    for right in ["ci", "team1", "administrator", "0123456789abcdef0123456789abcdef", "00000000-0000-0000-0000-00000000000g"] {
        check(right).unwrap();
    }
    for wrong in
        ["admin", "Admin", "team", "TEAM", "00000000-0000-0000-0000-000000000000", "0F0e0d0c-0b0a-4908-8706-050403020100"]
    {
        assert!(invalid(check(wrong)), "{wrong}");
    }
}

#[test]
fn a_scope_map_has_some_scopes_and_each_repository_once() {
    let entry = |target: &str, rights: &[Right]| ScopeEntry { target: target.parse().unwrap(), rights: rights.to_vec() };
    let read = [Right::ContentRead];
    let sorted = validate::scopes(vec![entry("a", &[Right::MetadataRead, Right::ContentRead, Right::ContentRead])]).unwrap();
    assert_eq!(sorted, [entry("a", &[Right::ContentRead, Right::MetadataRead])]);
    assert!(validate::scopes(vec![entry("a", &read), entry("a/*", &read)]).is_ok(), "these are two");
    assert!(validate::scopes((0..500).map(|number| entry(&format!("a{number}"), &read)).collect()).is_ok());
    assert!(invalid(validate::scopes((0..501).map(|number| entry(&format!("a{number}"), &read)).collect())));
    assert!(invalid(validate::scopes(vec![])));
    assert!(invalid(validate::scopes(vec![entry("a", &[])])));
    assert!(invalid(validate::scopes(vec![entry("a", &read), entry("a", &[Right::ContentWrite])])));
}
