//! The same credential is checked once at a time.

use std::pin::pin;
use std::task::Poll;

use futures_util::poll;

use super::*;

#[tokio::test]
async fn the_same_credential_at_the_same_moment_is_one_call_and_all_get_its_answer() {
    for (secret, expected) in [("right", Ok("alice".to_owned())), ("wrong", Err(AuthFailure::Rejected))] {
        let staff = Who::staff(0);
        staff.shut();
        let world = World::new(vec![staff.clone()], vec![]);
        let (context, shown) = (here(), basic(secret));
        let all = futures_util::future::join_all((0..20).map(|_| world.shown(&context, &shown)));
        let mut all = pin!(all);
        assert!(poll!(&mut all).is_pending());
        staff.let_go(1);
        assert!(all.await.into_iter().all(|answer| answer == expected));
        assert_eq!(staff.asked(), 1);
        assert_eq!(world.audit.take().len(), usize::from(secret == "wrong"));
    }
}

#[tokio::test]
async fn another_credential_does_not_wait() {
    let staff = Who::staff(0);
    staff.shut();
    let world = World::new(vec![staff.clone()], vec![]);
    let (context, alice, bob) = (here(), basic("right"), login("bob", "right"));
    let mut first = pin!(world.shown(&context, &alice));
    let mut second = pin!(world.shown(&context, &bob));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    assert_eq!(staff.asked(), 2);
    staff.let_go(2);
    assert_eq!((first.await.as_deref(), second.await.as_deref()), (Ok("alice"), Ok("bob")));
}

#[tokio::test]
async fn when_the_one_who_asks_goes_away_the_next_asks() {
    let staff = Who::staff(0);
    staff.shut();
    let world = World::new(vec![staff.clone()], vec![]);
    let (context, shown) = (here(), basic("right"));
    let mut first = Box::pin(world.shown(&context, &shown));
    let mut second = pin!(world.shown(&context, &shown));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    assert_eq!(staff.asked(), 1);
    drop(first);
    assert!(poll!(&mut second).is_pending());
    assert_eq!(staff.asked(), 2);
    staff.let_go(1);
    assert_eq!(second.await.as_deref(), Ok("alice"));
}

#[tokio::test]
async fn an_answer_that_may_not_be_reused_is_not_shared_with_another_source() {
    for (reuse, calls) in [(0, 2), (60, 1)] {
        let staff = Who::staff(reuse);
        staff.shut();
        let world = World::new(vec![staff.clone()], vec![]);
        let (one, other, shown) = (from("192.0.2.1"), from("192.0.2.2"), basic("right"));
        let mut first = pin!(world.shown(&one, &shown));
        let mut second = pin!(world.shown(&other, &shown));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        staff.let_go(2);
        assert!(matches!(poll!(&mut first), Poll::Ready(Ok(_))));
        assert_eq!(second.await.as_deref(), Ok("alice"));
        assert_eq!(staff.asked(), calls);
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_check_that_is_over() {
    let staff = Who::staff(0);
    let world = World::new(vec![staff.clone()], vec![]);
    for _ in 0..2 {
        world.shown(&here(), &basic("right")).await.unwrap();
    }
    assert_eq!(staff.asked(), 2);
}
