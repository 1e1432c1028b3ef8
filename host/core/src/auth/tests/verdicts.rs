//! Remembered verdicts: of the same plugin, caller and access at the same registry, for as long as the plugin says.

use super::*;

async fn may(world: &World, who: &Identity, access: &Access) -> bool {
    world.gate.permit(&here(), &known(who.clone()), std::slice::from_ref(access)).await.is_ok()
}

#[tokio::test]
async fn a_verdict_is_remembered_for_as_long_as_the_plugin_says() {
    for answer in [allow(), deny()] {
        let rules = May::always("rules", 60, answer.clone());
        let world = World::new(vec![], vec![rules.clone()]);
        for _ in 0..3 {
            assert_eq!(may(&world, &identity("alice"), &pull("a")).await, answer == allow());
        }
        assert_eq!(rules.asked(), 1);
        world.clock.advance(MINUTE);
        may(&world, &identity("alice"), &pull("a")).await;
        assert_eq!(rules.asked(), 2);
    }
}

#[tokio::test]
async fn a_verdict_without_reuse_and_a_failure_are_never_remembered() {
    for rules in [May::always("rules", 0, allow()), May::always("rules", 60, Err(trap()))] {
        let world = World::new(vec![], vec![rules.clone()]);
        for _ in 0..3 {
            may(&world, &identity("alice"), &pull("a")).await;
        }
        assert_eq!(rules.asked(), 3);
    }
}

#[tokio::test]
async fn a_verdict_on_one_caller_or_access_says_nothing_of_another() {
    let rules = May::always("rules", 60, allow());
    let world = World::new(vec![], vec![rules.clone()]);
    let alice = identity("alice");
    let others = [
        alice.clone(),
        identity("bob"),
        Identity { plugin: "other".into(), ..alice.clone() },
        Identity { groups: vec!["ops".to_owned()], ..alice.clone() },
        Identity { groups: vec!["op".to_owned(), "s".to_owned()], ..alice.clone() },
        Identity { claims: vec![("ops".to_owned(), String::new())], ..alice.clone() },
        Identity { claims: vec![("op".to_owned(), "s".to_owned())], ..alice.clone() },
        ending("alice", HOUR),
    ];
    for (before, other) in others.iter().enumerate() {
        assert_eq!(rules.asked(), before);
        may(&world, other, &pull("a")).await;
        may(&world, other, &pull("a")).await;
    }
    let registry = Access { action: AccessAction::Administer, repository: None };
    for other in [access(AccessAction::Push, "a"), pull("b"), pull("a/b"), registry] {
        let before = rules.asked();
        may(&world, &alice, &other).await;
        assert_eq!(rules.asked(), before + 1, "{other:?}");
    }
    let before = rules.asked();
    world.gate.permit(&here(), &Caller::Anonymous, &[pull("a")]).await.unwrap();
    world.gate.permit(&context("other", "localhost:5000"), &known(alice), &[pull("a")]).await.unwrap();
    assert_eq!(rules.asked(), before + 2);
}

#[tokio::test]
async fn each_plugin_is_remembered_on_its_own_abstentions_too() {
    let first = May::always("first", 60, Ok(Verdict::Abstain));
    let second = May::always("second", 0, allow());
    let world = World::new(vec![], vec![first.clone(), second.clone()]);
    for _ in 0..3 {
        assert!(may(&world, &identity("alice"), &pull("a")).await);
    }
    assert_eq!((first.asked(), second.asked()), (1, 3));
}

#[tokio::test]
async fn an_earlier_plugin_whose_word_has_run_out_is_asked_before_a_later_one_is_believed() {
    let says_no = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = Arc::clone(&says_no);
    let first = May::new("first", 10, move |_, _| if flag.load(Ordering::SeqCst) { deny() } else { Ok(Verdict::Abstain) });
    let second = May::always("second", 3600, allow());
    let world = World::new(vec![], vec![first, second]);
    assert!(may(&world, &identity("alice"), &pull("a")).await);
    says_no.store(true, Ordering::SeqCst);
    assert!(may(&world, &identity("alice"), &pull("a")).await);
    world.clock.advance(Duration::from_secs(10));
    assert!(!may(&world, &identity("alice"), &pull("a")).await);
}

#[tokio::test]
async fn a_component_with_another_digest_is_asked_anew() {
    let (clock, verdicts) = (Timestamp(START), crate::auth::verdicts::Verdicts::default());
    let caller = crate::auth::verdicts::CallerMark::of(&here().registry, Some(&identity("alice")));
    let allowed = Verdict::Allow(String::new());
    verdicts.keep(&label("rules"), &caller, &pull("a"), &allowed, (clock, 60));
    assert_eq!(verdicts.recall(&label("rules"), &caller, &pull("a"), clock), Some(allowed));
    let changed = PluginLabel { digest: "sha256:1".into(), ..label("rules") };
    assert_eq!(verdicts.recall(&changed, &caller, &pull("a"), clock), None);
    assert_eq!(verdicts.recall(&label("others"), &caller, &pull("a"), clock), None);
}

#[tokio::test]
async fn no_verdict_outlives_the_identity() {
    let rules = May::always("rules", 3600, allow());
    let world = World::new(vec![], vec![rules.clone()]);
    let alice = ending("alice", MINUTE);
    assert!(may(&world, &alice, &pull("a")).await);
    world.clock.advance(MINUTE);
    assert!(!may(&world, &alice, &pull("a")).await);
    assert_eq!(rules.asked(), 1);
}

#[tokio::test]
async fn what_is_remembered_of_some_accesses_is_not_asked_with_the_others() {
    let rules = May::always("rules", 60, allow());
    let world = World::new(vec![Who::staff(0)], vec![rules.clone()]);
    assert_eq!(world.token("repository:a:pull").await.scope, "repository:a:pull");
    assert_eq!(rules.asked(), 1);
    assert_eq!(world.token("repository:b:pull repository:a:pull,push").await.scope, "repository:b:pull repository:a:pull,push");
    assert_eq!(rules.asked(), 3);
}
