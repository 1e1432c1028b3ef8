//! What holds of the threads and the turns, with plain futures in the place of guests.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, oneshot};

use super::*;

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The check has no turn yet: nothing else on this thread is ready to run, and it still waits.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A check that begins, says so, and ends when it is let go.
fn held(
    checks: &Arc<Checks>,
    load: Load,
) -> (oneshot::Receiver<()>, Arc<Notify>, tokio::task::JoinHandle<Result<(), PluginError>>) {
    let (begins, begun) = oneshot::channel();
    let end = Arc::new(Notify::new());
    let (checks, let_go) = (checks.clone(), end.clone());
    let check = async move {
        let _ = begins.send(());
        let_go.notified().await;
        Ok(())
    };
    (begun, end, tokio::spawn(async move { checks.run(load, check).await }))
}

#[tokio::test]
async fn a_check_runs_on_a_thread_of_the_checks_and_its_answer_comes_back() {
    let checks = Checks::start().unwrap();
    let name = || std::thread::current().name().map(str::to_owned);
    for load in [Load::Computes, Load::Waits] {
        let on = checks.run(load, async move { Ok(name()) }).await.unwrap();
        assert_eq!(on.as_deref(), Some(THREAD_NAME));
    }
    let error = checks.run(Load::Computes, async { Err::<(), _>(PluginError::NotFound) }).await;
    assert_eq!(error, Err(PluginError::NotFound));
}

#[test]
fn tools_show_the_whole_name_of_the_threads() {
    assert!(THREAD_NAME.len() <= 15);
}

#[tokio::test]
async fn no_more_checks_compute_at_once_than_there_are_cores_and_those_that_wait_need_no_turn() {
    let checks = Arc::new(Checks::start().unwrap());
    let mut computing = Vec::new();
    for _ in 0..cores() {
        let (begun, end, task) = held(&checks, Load::Computes);
        begun.await.unwrap();
        computing.push((end, task));
    }
    let (mut begun, end, task) = held(&checks, Load::Computes);
    settle().await;
    assert!(begun.try_recv().is_err(), "one more than there are cores has begun");
    let (waiting, let_go, other) = held(&checks, Load::Waits);
    waiting.await.unwrap();
    let_go.notify_one();
    other.await.unwrap().unwrap();

    let (first, done) = computing.remove(0);
    first.notify_one();
    done.await.unwrap().unwrap();
    begun.await.unwrap();
    end.notify_one();
    task.await.unwrap().unwrap();
    for (end, task) in computing {
        end.notify_one();
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_check_ends_with_its_caller_and_its_turn_is_free_then() {
    struct Gone(Arc<Notify>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let checks = Arc::new(Checks::start().unwrap());
    for _ in 0..cores() * 3 {
        let (begins, begun) = oneshot::channel();
        let gone = Arc::new(Notify::new());
        let (running, sign) = (checks.clone(), Gone(gone.clone()));
        let caller = tokio::spawn(async move {
            let check = async move {
                let _sign = sign;
                let _ = begins.send(());
                std::future::pending::<Result<(), PluginError>>().await
            };
            running.run(Load::Computes, check).await
        });
        begun.await.unwrap();
        caller.abort();
        gone.notified().await;
    }
    assert_eq!(checks.run(Load::Computes, async { Ok(7) }).await, Ok(7));
}

#[tokio::test]
async fn a_check_that_has_no_turn_for_long_is_told_so() {
    let mut checks = Checks::start().unwrap();
    checks.patience = Duration::from_millis(20);
    let begun = Arc::new(AtomicUsize::new(0));
    let turns: Vec<_> = (0..cores()).map(|_| checks.turns.clone().try_acquire_owned().unwrap()).collect();
    let counted = begun.clone();
    let check = async move {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    let answer = checks.run(Load::Computes, check).await;
    assert!(matches!(&answer, Err(PluginError::Unavailable { reason, .. }) if reason.contains("20ms")), "{answer:?}");
    assert_eq!(begun.load(Ordering::SeqCst), 0, "it never began");
    drop(turns);
}

#[tokio::test]
async fn a_check_that_panics_is_an_error_and_the_next_one_runs() {
    let checks = Checks::start().unwrap();
    for _ in 0..cores() + 1 {
        let answer = checks.run(Load::Computes, async { panic!("as it was told to") as Result<(), PluginError> }).await;
        assert!(matches!(answer, Err(PluginError::Internal(_))), "{answer:?}");
    }
    assert_eq!(checks.run(Load::Computes, async { Ok(7) }).await, Ok(7));
}

#[tokio::test]
async fn the_last_owner_may_be_a_check_itself() {
    let checks = Arc::new(Checks::start().unwrap());
    let (ended, end) = oneshot::channel();
    let own = checks.clone();
    let threads = checks.threads.as_ref().unwrap().handle().clone();
    let (go, gone) = oneshot::channel::<()>();
    threads.spawn(async move {
        let _ = gone.await;
        drop(own);
        let _ = ended.send(());
    });
    drop(checks);
    go.send(()).unwrap();
    end.await.unwrap();
}
