//! The door with real tasks that wait at it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::*;

const LONG: Duration = Duration::from_secs(600);

fn limits(concurrent: u64, queued: u64) -> Limits {
    Limits {
        concurrent_calls: Some(concurrent),
        queued_calls: Some(queued),
        ..Limits::default()
    }
}

async fn waiting(admission: &Admission, count: usize) {
    while admission.counts().1 != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_place_is_given_back_when_it_is_dropped() {
    let admission = Admission::new(&limits(1, 0));
    let cancel = CancellationToken::new();
    let place = admission.enter("a", LONG, &cancel).await.unwrap();
    let refused = admission.enter("b", LONG, &cancel).await.unwrap_err();
    assert_eq!(
        refused,
        NotAdmitted::Full {
            concurrent: 1,
            queued: 0
        }
    );
    drop(place);
    assert!(admission.enter("b", LONG, &cancel).await.is_ok());
    assert_eq!(admission.counts(), (0, 0));
}

#[tokio::test]
async fn who_waits_is_called_or_gives_up() {
    let admission = Admission::new(&limits(1, 10));
    let cancel = CancellationToken::new();
    let place = admission.enter("a", LONG, &cancel).await.unwrap();

    let leaving = CancellationToken::new();
    let refused = {
        let enter = admission.enter("b", LONG, &leaving);
        let leave = async {
            waiting(&admission, 1).await;
            leaving.cancel();
        };
        tokio::join!(enter, leave).0.unwrap_err()
    };
    assert_eq!(refused, NotAdmitted::Cancelled);

    let patience = Duration::from_millis(1);
    let refused = admission.enter("b", patience, &cancel).await.unwrap_err();
    assert!(matches!(refused, NotAdmitted::Waited { concurrent: 1, .. }));

    {
        let dropped = admission.enter("b", LONG, &cancel);
        tokio::pin!(dropped);
        tokio::select! {
            biased;
            _ = &mut dropped => unreachable!("there is no place"),
            () = waiting(&admission, 1) => {}
        }
    }
    assert_eq!(admission.counts(), (1, 0));

    let enter = admission.enter("b", LONG, &cancel);
    let leave = async {
        waiting(&admission, 1).await;
        drop(place);
    };
    let (entered, ()) = tokio::join!(enter, leave);
    assert_eq!(admission.counts(), (1, 0));
    drop(entered.unwrap());
    assert_eq!(admission.counts(), (0, 0));
}

#[tokio::test]
async fn who_is_called_and_gone_passes_the_place_on() {
    let admission = Admission::new(&limits(1, 10));
    let cancel = CancellationToken::new();
    let place = admission.enter("a", LONG, &cancel).await.unwrap();
    let mut second = Box::pin(admission.enter("b", LONG, &cancel));
    let mut third = Box::pin(admission.enter("c", LONG, &cancel));
    tokio::select! {
        biased;
        _ = &mut second => unreachable!("there is no place"),
        _ = &mut third => unreachable!("there is no place"),
        () = waiting(&admission, 2) => {}
    }
    drop(place);
    assert_eq!(admission.counts(), (1, 1));
    // The second has been called, and does not live to see it.
    drop(second);
    assert_eq!(admission.counts(), (1, 0));
    assert!(third.await.is_ok());
    assert_eq!(admission.counts(), (0, 0));
}

#[tokio::test]
async fn other_limits_hold_at_once() {
    let admission = Admission::new(&limits(1, 10));
    let cancel = CancellationToken::new();
    let _place = admission.enter("a", LONG, &cancel).await.unwrap();
    let widen = async {
        waiting(&admission, 1).await;
        admission.limit(&limits(2, 0));
    };
    let (second, ()) = tokio::join!(admission.enter("b", LONG, &cancel), widen);
    assert!(second.is_ok());
    admission.limit(&Limits {
        calls_per_minute: Some(1),
        ..limits(10, 0)
    });
    assert!(admission.enter("c", LONG, &cancel).await.is_ok());
    let refused = admission.enter("c", LONG, &cancel).await.unwrap_err();
    assert!(matches!(refused, NotAdmitted::Rate { limit: 1, .. }));
    let sentence = refused.to_string();
    assert!(sentence.contains("1 times a minute"), "{sentence}");
    assert!(sentence.contains("Try again in"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wakeup_is_lost_and_the_limit_holds() {
    const PLACES: usize = 3;
    let admission = Arc::new(Admission::new(&limits(PLACES as u64, 1_000)));
    let running = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..600_usize {
        let (admission, running) = (Arc::clone(&admission), Arc::clone(&running));
        callers.spawn(async move {
            let cancel = CancellationToken::new();
            let client = format!("client {}", caller % 7);
            // Every third caller leaves in the middle of it.
            if caller % 3 == 0 {
                let cancel = cancel.clone();
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    cancel.cancel();
                });
            }
            match admission.enter(&client, LONG, &cancel).await {
                Ok(_place) => {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    assert!(now <= PLACES, "{now} run at a time");
                    tokio::task::yield_now().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    true
                }
                Err(NotAdmitted::Cancelled) => false,
                Err(other) => unreachable!("{other}"),
            }
        });
    }
    let entered = callers.join_all().await;
    assert!(entered.iter().filter(|entered| **entered).count() >= 400);
    assert_eq!(admission.counts(), (0, 0));
}
