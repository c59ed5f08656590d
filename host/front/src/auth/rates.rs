//! How many requests each caller may make within a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sandpit_tools::MinuteRate;

use super::identity::Identity;

/// How many callers are remembered before those that were quiet are forgotten.
const MANY: usize = 1_000;

/// Counts the requests of each caller, by its name: another token of the same
/// name, or another session, is no second turn.
#[derive(Debug)]
pub(super) struct CallerRates {
    /// For callers whose token does not say otherwise; none for as many as they
    /// like.
    per_minute: Option<usize>,
    counted: Mutex<HashMap<Arc<str>, MinuteRate>>,
}

/// A caller has made as many requests as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// How many it may make within a minute.
    pub(crate) limit: usize,
    /// When there is room again.
    pub(crate) wait: Duration,
}

impl CallerRates {
    /// So many requests within a minute for each caller; 0 is no limit.
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: limit(per_minute),
            counted: Mutex::default(),
        }
    }

    /// Counts a request that comes now, if there may be one more.
    pub(super) fn take(&self, caller: &Identity, now: Instant) -> Result<(), TooMany> {
        let own = caller.requests_per_minute();
        let Some(limit) = own.map_or(self.per_minute, limit) else {
            return Ok(());
        };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MANY && !counted.contains_key(caller.name()) {
            counted.retain(|_, rate| !rate.is_quiet(now));
        }
        let rate = counted.entry(caller.shared_name()).or_default();
        rate.take(limit, now)
            .map_err(|wait| TooMany { limit, wait })
    }
}

impl TooMany {
    /// The same in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { limit, .. } = self;
        let seconds = self.seconds();
        format!(
            "A caller may make {limit} requests a minute here, over all of its connections and \
             sessions. Try again in {seconds} seconds."
        )
    }

    /// After how many whole seconds to try again.
    pub(crate) fn seconds(&self) -> u64 {
        self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0)
    }
}

fn limit(per_minute: u32) -> Option<usize> {
    let limit = usize::try_from(per_minute).unwrap_or(usize::MAX);
    (limit > 0).then_some(limit)
}

#[cfg(test)]
mod tests {
    use sandpit_tools::Rights;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn caller(name: &str, own: Option<u32>) -> Identity {
        let none = Rights::of([]);
        Identity::of_token(name, none, None, own, CancellationToken::new())
    }

    #[test]
    fn each_caller_has_its_own_minute() {
        let rates = CallerRates::new(2);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let [a, b] = ["a", "b"].map(|name| caller(name, None));
        assert_eq!(rates.take(&a, start), Ok(()));
        assert_eq!(rates.take(&a, after(10)), Ok(()));
        let refused = TooMany {
            limit: 2,
            wait: Duration::from_secs(40),
        };
        assert_eq!(rates.take(&a, after(20)), Err(refused));
        assert_eq!(rates.take(&b, after(20)), Ok(()));
        assert_eq!(rates.take(&a, after(60)), Ok(()));
    }

    #[test]
    fn a_token_may_say_otherwise() {
        let rates = CallerRates::new(1);
        let now = Instant::now();
        let (two, all) = (caller("two", Some(2)), caller("all", Some(0)));
        assert_eq!(rates.take(&two, now), Ok(()));
        assert_eq!(rates.take(&two, now), Ok(()));
        assert!(rates.take(&two, now).is_err());
        let unlimited = CallerRates::new(0);
        for _ in 0..5_000 {
            assert_eq!(rates.take(&all, now), Ok(()));
            assert_eq!(unlimited.take(&caller("b", None), now), Ok(()));
        }
    }

    #[test]
    fn callers_that_are_gone_are_forgotten() {
        let rates = CallerRates::new(1);
        let start = Instant::now();
        for number in 0..MANY {
            let caller = caller(&number.to_string(), None);
            assert_eq!(rates.take(&caller, start), Ok(()));
        }
        let later = start + Duration::from_secs(60);
        assert_eq!(rates.take(&caller("new", None), later), Ok(()));
        let counted = rates.counted.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(counted.len(), 1);
    }

    #[test]
    fn seconds_are_rounded_up() {
        let wait = Duration::from_millis(40_001);
        assert_eq!(TooMany { limit: 1, wait }.seconds(), 41);
    }
}
