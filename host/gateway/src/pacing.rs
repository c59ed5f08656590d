//! How fast messages may go to TWS, which disconnects a client that sends too
//! many of them: 50 a second, of all its clients together.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

const SECOND: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// Set while an order waits for what is asked.
    static URGENT: ();
}

/// Does work that an order waits for: its requests for data do not queue behind
/// those of others.
pub(crate) async fn urgently<T>(work: impl Future<Output = T>) -> T {
    URGENT.scope((), work).await
}

/// Whether an order waits for what the caller asks.
pub(crate) fn is_urgent() -> bool {
    URGENT.try_with(|()| ()).is_ok()
}

/// Lets requests for data through at an even pace, and orders and cancels at
/// once: a part of every second is kept for them. All messages together stay
/// within the limit.
pub(crate) struct Pacing {
    budget: Mutex<Budget>,
    /// Requests for data wait here in turn. One that gives up waiting leaves
    /// its turn to the next.
    requests: tokio::sync::Mutex<()>,
    /// Orders wait here in turn, should there ever be more than a second takes.
    orders: tokio::sync::Mutex<()>,
    /// What became of the requests for data, and of the orders.
    pub(crate) paced: [Paced; 2],
    /// How many of both wait.
    waiting: AtomicUsize,
}

/// One that waits, until it is sent or gives up.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn among(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many messages of one kind were let through, and how they waited.
#[derive(Debug, Default)]
pub(crate) struct Paced {
    /// How many were let through.
    pub(crate) sent: AtomicU64,
    /// How many of them had to wait.
    pub(crate) waited: AtomicU64,
    /// How long these waited in all, in microseconds.
    pub(crate) waited_micros: AtomicU64,
}

impl Paced {
    fn count(&self, since: Instant) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        // What went at once took no time worth telling.
        if micros >= 1_000 {
            self.waited.fetch_add(1, Ordering::Relaxed);
            self.waited_micros.fetch_add(micros, Ordering::Relaxed);
        }
    }
}

impl Pacing {
    /// `messages_per_second` in all, of which `order_reserve` only for orders
    /// and cancels. At least one a second is left for each of both.
    pub(crate) fn new(messages_per_second: u32, order_reserve: u32) -> Self {
        Self {
            budget: Mutex::new(Budget::new(messages_per_second, order_reserve)),
            requests: tokio::sync::Mutex::default(),
            orders: tokio::sync::Mutex::default(),
            paced: Default::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits until a request for data, or the end of one, may be sent.
    pub(crate) async fn request(&self) {
        let (begun, [data, _]) = (Instant::now(), &self.paced);
        let _waits = Waits::among(&self.waiting);
        let _turn = self.requests.lock().await;
        while let Err(free) = self.try_take(Budget::request) {
            sleep_until(free).await;
        }
        data.count(begun);
    }

    /// Waits until an order or a cancel may be sent: not at all, unless the
    /// second is full of them. It never waits for requests for data.
    pub(crate) async fn order(&self) {
        let (begun, [_, orders]) = (Instant::now(), &self.paced);
        let _waits = Waits::among(&self.waiting);
        let _turn = self.orders.lock().await;
        while let Err(free) = self.try_take(Budget::order) {
            sleep_until(free).await;
        }
        orders.count(begun);
    }

    /// Waits as an order does if one waits for the request, else as a request
    /// for data.
    pub(crate) async fn request_or_order(&self, is_urgent: bool) {
        if is_urgent {
            self.order().await;
        } else {
            self.request().await;
        }
    }

    fn try_take(
        &self,
        take: impl Fn(&mut Budget, Instant) -> Result<(), Instant>,
    ) -> Result<(), Instant> {
        take(&mut self.budget(), Instant::now())
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        // Nothing that holds the lock leaves it half changed.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages went within the last second, and how many may.
    pub(crate) fn used(&self) -> (usize, usize) {
        let mut budget = self.budget();
        budget.forget(Instant::now());
        (budget.sent.len(), budget.limit)
    }

    /// How many wait until they may be sent.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// What may be sent when. It knows no clock.
struct Budget {
    limit: usize,
    /// When the messages of the last second went.
    sent: VecDeque<Instant>,
    requests: EvenPace,
}

impl Budget {
    fn new(messages_per_second: u32, order_reserve: u32) -> Self {
        let limit = messages_per_second.max(2);
        let requests = limit.saturating_sub(order_reserve.max(1)).max(1);
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            sent: VecDeque::new(),
            requests: EvenPace::per_second(requests),
        }
    }

    /// A request for data goes now, or may be tried again at the time given.
    fn request(&mut self, now: Instant) -> Result<(), Instant> {
        let earliest = self.requests.next(now);
        if earliest > now {
            return Err(earliest);
        }
        self.order(now)?;
        self.requests.take(now);
        Ok(())
    }

    /// Forgets what was sent more than a second ago.
    fn forget(&mut self, now: Instant) {
        while self.sent.front().is_some_and(|&at| at + SECOND <= now) {
            self.sent.pop_front();
        }
    }

    /// Any message goes now, or may be tried again at the time given.
    fn order(&mut self, now: Instant) -> Result<(), Instant> {
        self.forget(now);
        match self.sent.front() {
            Some(&oldest) if self.sent.len() >= self.limit => Err(oldest + SECOND),
            _ => {
                self.sent.push_back(now);
                Ok(())
            }
        }
    }
}

/// A token bucket, kept as the time at which it would be full again: a few
/// messages at once, the rest evenly, and never more than so many in a second.
struct EvenPace {
    interval: Duration,
    /// How far ahead of an even pace a burst may run.
    tolerance: Duration,
    full: Option<Instant>,
}

impl EvenPace {
    /// At most `limit` in any second, a tenth of them at once.
    fn per_second(limit: u32) -> Self {
        let burst = (limit / 10).max(1);
        // A second that begins with a burst still has room for the even ones.
        let even = limit.saturating_add(1).saturating_sub(burst).max(1);
        let interval = Duration::from_nanos(1_000_000_000_u64.div_ceil(even.into()));
        Self {
            interval,
            tolerance: interval.saturating_mul(burst.saturating_sub(1)),
            full: None,
        }
    }

    /// When the next may go.
    fn next(&self, now: Instant) -> Instant {
        let earliest = self.full.and_then(|full| full.checked_sub(self.tolerance));
        earliest.map_or(now, |earliest| earliest.max(now))
    }

    /// One goes.
    fn take(&mut self, now: Instant) {
        let from = self.full.map_or(now, |full| full.max(now));
        self.full = Some(from + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The most that fell into any second.
    fn busiest(times: &[Instant]) -> usize {
        let within = |from: Instant| {
            let times = times.iter();
            times
                .filter(|&&at| at >= from && at < from + SECOND)
                .count()
        };
        times.iter().map(|&from| within(from)).max().unwrap_or(0)
    }

    /// When so many requests go that all want to at once, and when orders go
    /// that want to after so many milliseconds.
    fn play(
        mut budget: Budget,
        begin: Instant,
        requests: usize,
        orders: &[u64],
    ) -> (Vec<Instant>, Vec<Instant>) {
        let mut due: Vec<_> = orders
            .iter()
            .map(|&at| begin + Duration::from_millis(at))
            .collect();
        due.sort();
        let mut due = due.into_iter().peekable();
        let (mut data, mut sent) = (Vec::new(), Vec::new());
        let (mut next_request, mut next_order) = (begin, begin);
        while data.len() < requests || due.peek().is_some() {
            let order_at = due.peek().map(|&at| at.max(next_order));
            match order_at {
                Some(at) if data.len() == requests || at <= next_request => {
                    match budget.order(at) {
                        Ok(()) => {
                            sent.push(at);
                            due.next();
                        }
                        Err(free) => next_order = free,
                    }
                }
                _ => match budget.request(next_request) {
                    Ok(()) => data.push(next_request),
                    Err(free) => next_request = free,
                },
            }
        }
        (data, sent)
    }

    proptest! {
        #[test]
        fn no_second_takes_more_than_the_limit(
            limit in 2_u32..60,
            reserve in 0_u32..70,
            requests in 0_usize..150,
            orders in proptest::collection::vec(0_u64..4_000, 0..60),
        ) {
            let (data, sent) = play(Budget::new(limit, reserve), Instant::now(), requests, &orders);
            prop_assert_eq!((data.len(), sent.len()), (requests, orders.len()));
            let for_data = limit.saturating_sub(reserve.max(1)).max(1);
            prop_assert!(busiest(&data) <= usize::try_from(for_data).unwrap_or(0));
            let all: Vec<_> = data.into_iter().chain(sent).collect();
            prop_assert!(busiest(&all) <= usize::try_from(limit).unwrap_or(0));
        }

        #[test]
        fn orders_within_the_reserve_never_wait(
            requests in 0_usize..200,
            first in 0_u64..100,
            apart in 100_u64..300,
        ) {
            let begin = Instant::now();
            // Ten in a second at the most: what is kept for them.
            let orders: Vec<_> = (0..30).map(|number| first + number * apart).collect();
            let (_, sent) = play(Budget::new(45, 10), begin, requests, &orders);
            let due: Vec<_> = orders
                .iter()
                .map(|&at| begin + Duration::from_millis(at))
                .collect();
            prop_assert_eq!(sent, due);
        }
    }

    #[test]
    fn a_flood_is_spread_evenly() {
        let begin = Instant::now();
        let (data, _) = play(Budget::new(45, 10), begin, 71, &[]);
        // 35 a second, three of them at once.
        let at = |number: usize| data.get(number).map(|&at| at - begin);
        assert_eq!(at(2), Some(Duration::ZERO));
        assert!(at(3) >= Some(Duration::from_millis(30)));
        let last = at(70).unwrap_or_default();
        assert!(last > SECOND * 2 && last < SECOND * 3, "{last:?}");
    }

    #[tokio::test]
    async fn what_is_used_and_who_waits_is_known() {
        let pacing = std::sync::Arc::new(Pacing::new(2, 1));
        assert_eq!((pacing.used(), pacing.waiting()), ((0, 2), 0));
        pacing.request().await;
        assert!(pacing.used().0 <= 1);
        let turn = pacing.orders.lock().await;
        let waits = tokio::spawn({
            let pacing = std::sync::Arc::clone(&pacing);
            async move { pacing.order().await }
        });
        while pacing.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        waits.abort();
        assert!(waits.await.is_err());
        drop(turn);
        assert_eq!(pacing.waiting(), 0);
        tokio::time::sleep(SECOND).await;
        assert_eq!(pacing.used(), (0, 2));
    }

    #[test]
    fn what_went_is_counted_for_a_second() {
        let begin = Instant::now();
        let mut budget = Budget::new(45, 10);
        for _ in 0..3 {
            assert_eq!(budget.order(begin), Ok(()));
        }
        budget.forget(begin + Duration::from_millis(999));
        assert_eq!(budget.sent.len(), 3);
        budget.forget(begin + SECOND);
        assert_eq!(budget.sent.len(), 0);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_turn_to_the_next() {
        let pacing = Pacing::new(2, 1);
        pacing.request().await;
        let begin = Instant::now();
        for _ in 0..20 {
            let soon = Duration::from_millis(1);
            assert!(tokio::time::timeout(soon, pacing.request()).await.is_err());
        }
        pacing.request().await;
        // Not the twenty seconds that they would have taken.
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}
