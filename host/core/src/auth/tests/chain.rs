//! The order of the chain, and that whatever a plugin does wrong is a no.

use super::*;

fn errors() -> Vec<PluginError> {
    let unavailable = PluginError::Unavailable { reason: "away".to_owned(), retry_after: None };
    let denied = PluginError::Denied("no".to_owned());
    vec![trap(), PluginError::TimedOut(Duration::ZERO), PluginError::NotFound, PluginError::Conflict, unavailable, denied]
}

#[tokio::test]
async fn the_first_that_does_not_abstain_says_who_a_caller_is() {
    let third = Who::always("third", Ok(Authentication::Rejected("no".to_owned())));
    let chain: Vec<Arc<dyn Authenticator>> =
        vec![Who::always("first", Ok(Authentication::Abstained)), Who::always("second", accepts(0)), third.clone()];
    let world = World::new(chain, vec![]);
    let caller = world.gate.identify(&here(), Some(&basic("x"))).await.unwrap();
    assert_eq!(caller.actor().as_deref(), Some("alice"));
    assert_eq!(third.asked(), 0);
}

#[tokio::test]
async fn a_rejection_ends_it_even_where_the_next_would_accept() {
    let second = Who::always("second", accepts(0));
    let world = World::new(vec![Who::always("first", Ok(Authentication::Rejected("no".to_owned()))), second.clone()], vec![]);
    assert_eq!(world.shown(&here(), &basic("x")).await, Err(AuthFailure::Rejected));
    assert_eq!(second.asked(), 0);
}

#[tokio::test]
async fn who_vouches_is_who_answered_whatever_the_answer_says() {
    let world = World::new(vec![Who::always("second", accepts(0))], vec![]);
    let caller = world.gate.identify(&here(), Some(&basic("x"))).await.unwrap();
    assert_eq!(&*caller.identity().unwrap().plugin, "second");
}

#[tokio::test]
async fn a_credential_on_which_all_abstain_is_rejected() {
    let world = World::new(vec![Who::always("first", Ok(Authentication::Abstained))], vec![]);
    assert_eq!(world.shown(&here(), &basic("x")).await, Err(AuthFailure::Rejected));
    assert_eq!(world.shown(&here(), &bearer("x")).await, Err(AuthFailure::InvalidToken));
    let nobody_there = World::new(vec![], vec![]);
    assert_eq!(nobody_there.shown(&here(), &basic("x")).await, Err(AuthFailure::Rejected));
}

#[tokio::test]
async fn an_authenticator_that_fails_lets_nobody_in_and_nobody_else_is_asked() {
    for error in errors() {
        let second = Who::always("second", accepts(60));
        let world = World::new(vec![Who::always("first", Err(error)), second.clone()], vec![]);
        assert_eq!(world.shown(&here(), &basic("x")).await, Err(AuthFailure::Unavailable));
        assert_eq!(world.issue(&basic("x"), "", Offline::NotWanted).await, Err(AuthFailure::Unavailable));
        assert_eq!(second.asked(), 0);
    }
}

#[tokio::test]
async fn an_authenticator_that_traps_on_one_user_only_lets_the_others_in() {
    let traps_on_mallory = Who::new("staff", |credential| match credential {
        Credential::Basic { user, .. } if user == "mallory" => Err(trap()),
        _ => accepts(0),
    });
    let world = World::new(vec![traps_on_mallory], vec![]);
    assert_eq!(world.shown(&here(), &login("mallory", "x")).await, Err(AuthFailure::Unavailable));
    assert_eq!(world.shown(&here(), &basic("x")).await.as_deref(), Ok("alice"));
    assert_eq!(world.shown(&here(), &login("mallory", "x")).await, Err(AuthFailure::Unavailable));
}

#[tokio::test]
async fn an_authorizer_that_fails_denies_even_where_the_next_would_allow() {
    for error in errors() {
        let second = May::always("second", 0, allow());
        let world = World::new(vec![], vec![May::always("first", 60, Err(error)), second.clone()]);
        let wanted = [pull("a")];
        assert_eq!(world.gate.permit(&here(), &Caller::Anonymous, &wanted).await, Err(Refusal::Anonymous));
        assert_eq!(world.gate.permit(&here(), &known(identity("alice")), &wanted).await, Err(Refusal::Denied));
        assert_eq!(second.asked(), 0);
    }
}

/// Gives one verdict too few.
struct Short(PluginLabel);

#[async_trait]
impl Authorizer for Short {
    fn label(&self) -> &PluginLabel {
        &self.0
    }
    async fn authorize(&self, _: &RequestContext, _: Option<&Identity>, asked: &[Access]) -> Result<Answer, PluginError> {
        Ok(Answer { verdicts: vec![Verdict::Allow(String::new()); asked.len() - 1], reuse: 60 })
    }
}

#[tokio::test]
async fn another_number_of_verdicts_than_of_accesses_denies_all_of_them() {
    let world = World::new(vec![], vec![Arc::new(Short(label("short")))]);
    let decisions = world.gate.decide(&here(), None, &[pull("a"), pull("b")]).await;
    assert!(decisions.iter().all(|decision| decision.ruling == Ruling::Failed));
    assert_eq!(world.gate.permit(&here(), &Caller::Anonymous, &[pull("a")]).await, Err(Refusal::Anonymous));
}

#[tokio::test]
async fn nobody_in_the_chain_means_denied() {
    let world = World::new(vec![], vec![May::always("first", 0, Ok(Verdict::Abstain))]);
    let alice = known(identity("alice"));
    assert_eq!(world.gate.permit(&here(), &alice, &[pull("a")]).await, Err(Refusal::Denied));
    let empty = World::new(vec![], vec![]);
    assert_eq!(empty.gate.permit(&here(), &alice, &[pull("a")]).await, Err(Refusal::Denied));
}

#[tokio::test]
async fn each_access_is_decided_by_the_first_that_does_not_abstain_on_it() {
    let first = May::new("first", 0, |_, access| match access.repository.as_ref().unwrap().as_str() {
        "denied" => deny(),
        "allowed" => allow(),
        _ => Ok(Verdict::Abstain),
    });
    let second = May::always("second", 0, allow());
    let world = World::new(vec![], vec![first, second.clone()]);
    let decisions = world.gate.decide(&here(), None, &[pull("denied"), pull("other"), pull("allowed")]).await;
    let told: Vec<_> = decisions.iter().map(|d| (d.ruling, &*d.by.as_ref().unwrap().name, d.steps.len())).collect();
    assert_eq!(told, [(Ruling::Denied, "first", 1), (Ruling::Allowed, "second", 2), (Ruling::Allowed, "first", 1)]);
    assert_eq!(second.asked(), 1);
}

#[tokio::test]
async fn all_accesses_of_a_request_must_be_allowed() {
    let rules = May::new("rules", 60, |_, access| if access.action == AccessAction::Pull { allow() } else { deny() });
    let world = World::new(vec![], vec![rules]);
    let both = [pull("a"), access(AccessAction::Push, "a")];
    for _ in 0..2 {
        assert_eq!(world.gate.permit(&here(), &Caller::Anonymous, &both).await, Err(Refusal::Anonymous));
        assert_eq!(world.gate.permit(&here(), &Caller::Anonymous, &both[..1]).await, Ok(()));
    }
}
