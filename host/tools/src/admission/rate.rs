//! How many calls, or requests, may begin within a minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time that a rate counts over.
const MINUTE: Duration = Duration::from_secs(60);

/// The calls of the last 60 seconds. Within any 60 seconds no more than the
/// limit begin: not twice as many around the turn of a minute.
#[derive(Debug, Default)]
pub struct MinuteRate {
    begun: VecDeque<Instant>,
}

impl MinuteRate {
    /// Counts a call that begins now, if there may be one.
    ///
    /// # Errors
    ///
    /// How long it takes until there may be one.
    pub fn take(&mut self, limit: usize, now: Instant) -> Result<(), Duration> {
        while let Some(oldest) = self.begun.front()
            && now.saturating_duration_since(*oldest) >= MINUTE
        {
            self.begun.pop_front();
        }
        if self.begun.len() < limit {
            self.begun.push_back(now);
            return Ok(());
        }
        // When the limit was lowered, several have to go before there is room.
        let last_in_the_way = self.begun.get(self.begun.len() - limit);
        let since = last_in_the_way.map_or(Duration::ZERO, |begun| {
            now.saturating_duration_since(*begun)
        });
        Err(MINUTE.saturating_sub(since))
    }

    /// Whether none has begun within the last minute.
    pub fn is_quiet(&self, now: Instant) -> bool {
        let last = self.begun.back();
        last.is_none_or(|begun| now.saturating_duration_since(*begun) >= MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn the_limit_holds_over_any_minute() {
        let start = Instant::now();
        let mut rate = MinuteRate::default();
        let limit = 2;
        assert_eq!(rate.take(limit, start), Ok(()));
        assert_eq!(rate.take(limit, after(start, 50)), Ok(()));
        assert_eq!(
            rate.take(limit, after(start, 55)),
            Err(Duration::from_secs(5))
        );
        assert_eq!(rate.take(limit, after(start, 60)), Ok(()));
        assert_eq!(
            rate.take(limit, after(start, 61)),
            Err(Duration::from_secs(49))
        );
    }

    #[test]
    fn a_lower_limit_counts_what_has_begun() {
        let start = Instant::now();
        let mut rate = MinuteRate::default();
        for second in 0..5 {
            assert_eq!(rate.take(5, after(start, second)), Ok(()));
        }
        // Four of the five have to be over, the last of them begun at 3.
        assert_eq!(rate.take(1, after(start, 10)), Err(Duration::from_secs(54)));
        assert_eq!(rate.take(1, after(start, 64)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_minute_has_more(
            limit in 1..5_usize,
            steps in vec(0..20_000_u64, 1..100),
        ) {
            let mut now = Instant::now();
            let mut rate = MinuteRate::default();
            let mut begun: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                let recent = begun.iter().filter(|at| now.duration_since(**at) < MINUTE).count();
                match rate.take(limit, now) {
                    Ok(()) => {
                        prop_assert!(recent < limit);
                        begun.push(now);
                    }
                    Err(wait) => {
                        prop_assert_eq!(recent, limit);
                        // Who comes back when it was told to is let in.
                        let then = now + wait;
                        let recent =
                            begun.iter().filter(|at| then.duration_since(**at) < MINUTE).count();
                        prop_assert!(recent < limit);
                    }
                }
            }
        }
    }
}
