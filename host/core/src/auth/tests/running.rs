//! Logins at the same time: those that are right wait for one another instead of being refused, and guessing at once gains nothing.

use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::future::join_all;
use futures_util::poll;

use super::*;
use crate::auth::running::Running;

type Shown<'a> = Pin<Box<dyn Future<Output = Result<String, AuthFailure>> + 'a>>;

/// Staff whose doors are shut, at a clock that stands still.
fn shut() -> (Arc<Who>, World) {
    let staff = Who::staff(0);
    staff.shut();
    let world = World::new(vec![staff.clone()], vec![]);
    world.clock.stand_still();
    (staff, world)
}

/// So many logins from one source, each begun.
async fn begun<'a>(world: &'a World, context: &'a RequestContext, logins: &'a [Credential]) -> Vec<Shown<'a>> {
    let mut all: Vec<Shown<'a>> = logins.iter().map(|login| Box::pin(world.shown(context, login)) as Shown<'a>).collect();
    for one in &mut all {
        assert!(poll!(one).is_pending());
    }
    all
}

#[tokio::test]
async fn ninety_right_logins_at_once_from_one_source_are_all_let_in() {
    let (staff, world) = shut();
    let logins: Vec<_> = (0..90).map(|number| login(&format!("user{number}"), "right")).collect();
    let context = here();
    let all = begun(&world, &context, &logins).await;
    assert_eq!(staff.asked(), 60, "no more are looked at than may fail");
    staff.let_go(90);
    assert!(join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(staff.asked(), 90);
    assert!(world.audit.take().is_empty());
}

#[tokio::test]
async fn twenty_right_logins_at_once_under_one_name_are_all_let_in() {
    // Each of another password, so that each is asked about.
    let open = Who::new("staff", |_| accepts(0));
    open.shut();
    let world = World::new(vec![open.clone()], vec![]);
    world.clock.stand_still();
    let logins: Vec<_> = (0..20).map(|number| login("ci", &format!("secret{number}"))).collect();
    let context = here();
    let all = begun(&world, &context, &logins).await;
    assert_eq!(open.asked(), 10);
    open.let_go(20);
    assert!(join_all(all).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn of_guesses_at_once_no_more_are_looked_at_than_may_fail() {
    let (staff, world) = shut();
    let logins: Vec<_> = (0..40).map(|number| login("alice", &format!("guess{number}"))).collect();
    let context = here();
    let mut all = begun(&world, &context, &logins).await;
    staff.let_go(40);
    for one in &mut all {
        assert!(poll!(one).is_pending(), "those that are wrong are held back, the others wait for them");
    }
    assert_eq!(staff.asked(), 10);
    world.clock.advance(Duration::from_millis(500));
    let answers = join_all(all).await;
    let count = |wanted: fn(&AuthFailure) -> bool| answers.iter().filter(|answer| answer.as_ref().is_err_and(wanted)).count();
    assert_eq!(count(|failure| *failure == AuthFailure::Rejected), 10);
    assert_eq!(count(|failure| matches!(failure, AuthFailure::TooManyFailures { .. })), 30);
    assert_eq!(staff.asked(), 10);
}

#[tokio::test]
async fn who_waits_cannot_tell_from_the_time_how_long_the_check_of_a_wrong_password_took() {
    let (staff, world) = shut();
    let guesses: Vec<_> = (0..10).map(|number| login("alice", &format!("guess{number}"))).collect();
    let (context, right) = (here(), basic("right"));
    let mut guessed = begun(&world, &context, &guesses).await;
    let mut waiting = Box::pin(world.shown(&context, &right));
    assert!(poll!(&mut waiting).is_pending());
    staff.let_go(10);
    for one in &mut guessed {
        assert!(poll!(one).is_pending());
    }
    assert!(poll!(&mut waiting).is_pending());
    world.clock.advance(Duration::from_millis(499));
    for one in &mut guessed {
        assert!(poll!(one).is_pending());
    }
    assert!(poll!(&mut waiting).is_pending(), "the checks are over, and nobody hears of it yet");
    world.clock.advance(Duration::from_millis(1));
    assert!(join_all(guessed).await.iter().all(|answer| *answer == Err(AuthFailure::Rejected)));
    assert!(matches!(waiting.await, Err(AuthFailure::TooManyFailures { .. })));
}

#[tokio::test]
async fn nobody_waits_longer_than_five_seconds() {
    let (staff, world) = shut();
    let logins: Vec<_> = (0..61).map(|number| login(&format!("user{number}"), "right")).collect();
    let context = here();
    let mut all = begun(&world, &context, &logins).await;
    let mut last = all.pop().unwrap();
    world.clock.advance(Duration::from_millis(4999));
    assert!(poll!(&mut last).is_pending());
    world.clock.advance(Duration::from_millis(1));
    let busy = Err(AuthFailure::TooManyFailures { retry_after: Duration::from_secs(1) });
    assert!(matches!(poll!(&mut last), Poll::Ready(answer) if answer == busy));
    let entries = world.audit.take();
    assert_eq!((entries.len(), entries[0].reason.as_str()), (1, "too many logins are under way"));
    assert_eq!(staff.asked(), 60);
    // Those that are looked at go on.
    staff.let_go(60);
    assert!(join_all(all).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn one_who_waits_and_goes_away_takes_nobodys_place() {
    let (staff, world) = shut();
    let logins: Vec<_> = (0..62).map(|number| login(&format!("user{number}"), "right")).collect();
    let context = here();
    let mut all = begun(&world, &context, &logins).await;
    let (mut last, gone) = (all.pop().unwrap(), all.pop().unwrap());
    drop(gone);
    staff.let_go(1);
    assert!(matches!(poll!(&mut all[0]), Poll::Ready(Ok(_))));
    assert!(poll!(&mut last).is_pending());
    assert_eq!(staff.asked(), 61);
}

#[tokio::test]
async fn others_do_not_wait() {
    let (staff, world) = shut();
    let logins: Vec<_> = (0..61).map(|number| login(&format!("user{number}"), "right")).collect();
    let context = here();
    let _all = begun(&world, &context, &logins).await;
    staff.let_go(100);
    let (elsewhere, somebody) = (from("192.0.2.2"), login("somebody", "right"));
    let mut other = pin!(world.shown(&elsewhere, &somebody));
    assert!(matches!(poll!(&mut other), Poll::Ready(Ok(_))));
}

#[test]
fn what_has_ended_takes_no_memory() {
    let mut running = Running::default();
    let (one, other) = ([1; 16], [2; 16]);
    running.begin(one);
    running.begin(one);
    running.wait(other).unwrap();
    assert_eq!((running.count(one), running.count(other), running.len()), (2, 0, 2));
    running.end(one);
    running.end(one);
    running.end(one);
    running.leave(other);
    running.leave(other);
    assert_eq!(running.len(), 0);
}

#[test]
fn there_is_an_end_to_waiting_in_line() {
    let mut running = Running::default();
    assert!((0..1024).all(|_| running.wait([1; 16]).is_some()));
    assert!(running.wait([1; 16]).is_none());
    assert!(running.wait([2; 16]).is_some());
    running.leave([1; 16]);
    assert!(running.wait([1; 16]).is_some());
}
