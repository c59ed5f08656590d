//! Where requests for bars wait in turn, and identical ones share an answer.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::schedule::{IDENTICAL, Question, Schedule};
use crate::model::{Bar, Error, Result};

/// How many requests for bars TWS lets be open at once.
const OPEN: usize = 50;

/// What a request for bars answers, to any number of callers.
pub(super) type Answer = Result<Arc<Vec<Bar>>>;

/// An answer, or the wait for it.
pub(super) type Answering = Shared<BoxFuture<'static, Answer>>;

/// The requests for bars of one gateway. It outlives connections, as the count
/// that TWS keeps does.
pub(crate) struct Desk {
    schedule: Mutex<Schedule>,
    open: Semaphore,
    answers: Mutex<HashMap<Question, Known>>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            schedule: Mutex::default(),
            open: Semaphore::new(OPEN),
            answers: Mutex::default(),
        }
    }
}

/// A question that was asked.
struct Known {
    answering: Answering,
    answered: Arc<OnceLock<Instant>>,
}

impl Known {
    /// Whether it can serve who asks the same now: while the answer is awaited,
    /// and for a short time after. A failure says nothing of the next try.
    fn serves(&self, now: Instant) -> bool {
        let is_fresh = || {
            let answered = self.answered.get();
            answered.is_none_or(|&answered| now < answered + IDENTICAL)
        };
        match self.answering.peek() {
            None => true,
            Some(Ok(_) | Err(Error::NoData(_))) => is_fresh(),
            Some(Err(_)) => false,
        }
    }
}

/// The right to ask TWS. The request is open for as long as it is kept.
pub(super) struct Turn<'a> {
    _open: SemaphorePermit<'a>,
}

/// A time of the schedule, given back if the request does not go.
struct Place<'a> {
    desk: &'a Desk,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.desk.schedule().release(number);
        }
    }
}

impl Desk {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        // Nothing that holds the lock leaves it half changed.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question that is being asked or was asked a moment ago,
    /// or else to the one that `begin` begins. Says whether it was begun: who
    /// begins sees to it that it is driven to its end.
    pub(super) fn ask<F>(&self, question: &Question, begin: impl FnOnce() -> F) -> (Answering, bool)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let now = Instant::now();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, known| known.serves(now));
        if let Some(known) = answers.get(question) {
            return (known.answering.clone(), false);
        }
        let answered = Arc::new(OnceLock::new());
        let (at, work) = (Arc::clone(&answered), begin());
        let answering = async move {
            let answer = work.await;
            at.get_or_init(Instant::now);
            answer
        };
        let answering = answering.boxed().shared();
        let known = Known {
            answering: answering.clone(),
            answered,
        };
        answers.insert(question.clone(), known);
        (answering, true)
    }

    /// Waits until the rules let the request go.
    ///
    /// # Errors
    /// `Pacing` if that is not within `patience`.
    pub(super) async fn turn(
        &self,
        question: &Question,
        patience: Duration,
        what: &str,
    ) -> Result<Turn<'_>> {
        let now = Instant::now();
        let mut place = Place {
            desk: self,
            number: None,
        };
        if question.is_paced() {
            let reserved = self.schedule().reserve(question, now, patience);
            let (at, number) = reserved.map_err(|wait| too_often(what, wait))?;
            place.number = Some(number);
            tokio::time::sleep_until(at).await;
        }
        let open = tokio::time::timeout_at(now + patience, self.open.acquire()).await;
        let Ok(Ok(open)) = open else {
            return Err(Error::Pacing(format!(
                "TWS works on {OPEN} requests for bars already, which is as many as it takes, so \
                 {what} were not asked for. Try again when they have been answered."
            )));
        };
        place.number = None;
        Ok(Turn { _open: open })
    }
}

fn too_often(what: &str, wait: Duration) -> Error {
    let seconds = wait.as_millis().div_ceil(1_000);
    Error::Pacing(format!(
        "IBKR's pacing rules let {what} be asked for only in {seconds} seconds: for bars of 30 \
         seconds and less it takes 60 requests in 10 minutes, 5 of one instrument in 2 seconds, \
         and none twice within 15 seconds. Ask again in {seconds} seconds, or for bars of 1 min or \
         more, which have no such limit."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        BarSize, BarsRequest, Contract, Duration as Span, DurationUnit, WhatToShow,
    };

    fn question(bar_size: BarSize) -> Question {
        Question {
            contract: Contract::us_stock("SPY"),
            request: BarsRequest {
                duration: Span {
                    amount: 1,
                    unit: DurationUnit::Days,
                },
                bar_size,
                what_to_show: WhatToShow::Trades,
                regular_trading_hours: true,
                end: None,
            },
        }
    }

    #[tokio::test]
    async fn identical_questions_share_an_answer() {
        let desk = Desk::default();
        let one = question(BarSize::Day1);
        let (first, begun) = desk.ask(&one, || async { Ok(Arc::default()) });
        assert!(begun);
        // It is not answered yet, and the second caller joins.
        let never = || async { Err(Error::Other("asked twice".into())) };
        let (second, begun) = desk.ask(&one, never);
        assert!(!begun);
        assert_eq!(first.await, second.await);
        let (third, begun) = desk.ask(&one, never);
        assert!(!begun && third.await.is_ok());
        let (_, begun) = desk.ask(&question(BarSize::Week1), never);
        assert!(begun);
    }

    #[tokio::test]
    async fn no_data_is_an_answer_and_a_failure_is_none() {
        for (error, is_kept) in [
            (Error::NoData("none".into()), true),
            (Error::TimedOut("silence".into()), false),
            (Error::Pacing("too fast".into()), false),
        ] {
            let desk = Desk::default();
            let one = question(BarSize::Day1);
            let failure = error.clone();
            let (answer, _) = desk.ask(&one, || async { Err(failure) });
            assert_eq!(answer.await.map(|_| ()), Err(error));
            let (_, begun) = desk.ask(&one, || async { Ok(Arc::default()) });
            assert_eq!(begun, !is_kept);
        }
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_how_long() {
        let desk = Desk::default();
        let one = question(BarSize::Sec5);
        let patience = Duration::from_secs(1);
        assert!(desk.turn(&one, patience, "the bars of SPY").await.is_ok());
        let refused = desk.turn(&one, patience, "the bars of SPY").await;
        let Err(Error::Pacing(text)) = refused.map(|_| ()) else {
            unreachable!("the same again within a second");
        };
        assert!(text.contains("in 16 seconds"), "{text}");
        // Bars of a minute wait for nobody.
        let minutes = question(BarSize::Min1);
        let many = (0..10).map(|_| desk.turn(&minutes, patience, "it"));
        for turn in futures::future::join_all(many).await {
            assert!(turn.is_ok());
        }
    }

    #[tokio::test]
    async fn only_so_many_are_open_at_once() {
        let desk = Desk::default();
        let one = question(BarSize::Min1);
        let mut turns = Vec::new();
        for _ in 0..OPEN {
            turns.extend(desk.turn(&one, Duration::ZERO, "it").await);
        }
        assert_eq!(turns.len(), OPEN);
        assert!(desk.turn(&one, Duration::ZERO, "it").await.is_err());
        turns.pop();
        assert!(desk.turn(&one, Duration::ZERO, "it").await.is_ok());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_gives_back_the_time() {
        let desk = Desk::default();
        let one = question(BarSize::Sec5);
        let patience = Duration::from_secs(20);
        assert!(desk.turn(&one, patience, "it").await.is_ok());
        let waiting = desk.turn(&one, patience, "it");
        let soon = Duration::from_millis(5);
        assert!(tokio::time::timeout(soon, waiting).await.is_err());
        let now = Instant::now();
        let next = desk.schedule().reserve(&one, now, patience);
        assert!(next.is_ok());
    }
}
