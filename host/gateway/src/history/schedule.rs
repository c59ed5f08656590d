//! When a request for small bars may go: IBKR's pacing rules, without a clock.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{BarSize, BarsRequest, Contract, WhatToShow};

/// TWS's clock and the network differ from ours by less than this.
const MARGIN: Duration = Duration::from_millis(250);

/// No identical request within this time.
pub(super) const IDENTICAL: Duration = Duration::from_secs(15);

/// Fewer than six for one contract, exchange and kind of data within this time.
const BURST: (usize, Duration) = (5, Duration::from_secs(2));

/// At most sixty of any kind within this time.
const LONG: (usize, Duration) = (60, Duration::from_secs(600));

/// A request, as far as the rules go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) contract: Contract,
    pub(super) request: BarsRequest,
}

impl Question {
    /// Whether the rules are about it: bars of a minute or more are only
    /// limited by how many are open at once.
    pub(super) fn is_paced(&self) -> bool {
        matches!(
            self.request.bar_size,
            BarSize::Sec1 | BarSize::Sec5 | BarSize::Sec10 | BarSize::Sec15 | BarSize::Sec30
        )
    }

    /// Bid and ask together count twice.
    fn weight(&self) -> usize {
        match self.request.what_to_show {
            WhatToShow::BidAsk => 2,
            _ => 1,
        }
    }

    fn is_of_one_series(&self, other: &Self) -> bool {
        self.contract == other.contract && self.request.what_to_show == other.request.what_to_show
    }
}

/// What was asked, and what will be, in the order of its time.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    turns: VecDeque<Turn>,
    next_number: u64,
}

/// When a request goes.
#[derive(Clone, Debug)]
struct Turn {
    number: u64,
    at: Instant,
    question: Question,
}

impl Schedule {
    /// Gives a request the first time that is free and within `patience`, or
    /// says how long it would have to wait. The number gives the time back.
    pub(super) fn reserve(
        &mut self,
        question: &Question,
        now: Instant,
        patience: Duration,
    ) -> Result<(Instant, u64), Duration> {
        while self
            .turns
            .front()
            .is_some_and(|turn| turn.at + LONG.1 + MARGIN <= now)
        {
            self.turns.pop_front();
        }
        let at = self.first_free(question, now);
        let wait = at - now;
        if wait > patience {
            return Err(wait);
        }
        let number = self.next_number;
        self.next_number += 1;
        let place = self.turns.partition_point(|turn| turn.at <= at);
        let question = question.clone();
        self.turns.insert(
            place,
            Turn {
                number,
                at,
                question,
            },
        );
        Ok((at, number))
    }

    /// A request that had a time will not go.
    pub(super) fn release(&mut self, number: u64) {
        self.turns.retain(|turn| turn.number != number);
    }

    /// A rule can only begin to allow a request when another one leaves its
    /// sight.
    fn first_free(&self, question: &Question, now: Instant) -> Instant {
        let mut times: Vec<_> = self
            .turns
            .iter()
            .flat_map(|turn| [IDENTICAL, BURST.1, LONG.1].map(|sight| turn.at + sight + MARGIN))
            .filter(|&at| at > now)
            .collect();
        times.push(now);
        times.sort();
        let last = times.last().copied().unwrap_or(now);
        let mut times = times.into_iter();
        times.find(|&at| self.is_free(question, at)).unwrap_or(last)
    }

    fn is_free(&self, question: &Question, at: Instant) -> bool {
        let is_repeated = self
            .turns
            .iter()
            .any(|turn| turn.question == *question && apart(turn.at, at) < IDENTICAL + MARGIN);
        let others = |of_series: bool| {
            let turns = self.turns.iter();
            turns
                .filter(move |turn| !of_series || turn.question.is_of_one_series(question))
                .map(|turn| (turn.at, turn.question.weight()))
        };
        !is_repeated
            && fits(others(true), (at, question.weight()), BURST)
            && fits(others(false), (at, question.weight()), LONG)
    }
}

/// Whether one more leaves every span of this length within its limit.
fn fits(
    others: impl Iterator<Item = (Instant, usize)>,
    (at, weight): (Instant, usize),
    (most, sight): (usize, Duration),
) -> bool {
    let sight = sight + MARGIN;
    // Only what is near enough to share a span.
    let near: Vec<_> = others
        .filter(|&(other, _)| apart(other, at) < sight)
        .collect();
    let starts = near
        .iter()
        .map(|&(other, _)| other)
        .filter(|&other| other < at);
    starts.chain([at]).all(|start| {
        let within = near
            .iter()
            .filter(|&&(other, _)| other >= start && other < start + sight);
        within.map(|&(_, weight)| weight).sum::<usize>() + weight <= most
    })
}

fn apart(one: Instant, other: Instant) -> Duration {
    one.max(other) - one.min(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::OffsetDateTime;

    use super::*;
    use crate::model::{Duration as Span, DurationUnit};

    fn question(symbol: &str, end: i64, what_to_show: WhatToShow) -> Question {
        Question {
            contract: Contract::us_stock(symbol),
            request: BarsRequest {
                duration: Span {
                    amount: 60,
                    unit: DurationUnit::Seconds,
                },
                bar_size: BarSize::Sec5,
                what_to_show,
                regular_trading_hours: true,
                end: OffsetDateTime::from_unix_timestamp(end).ok(),
            },
        }
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn the_sixth_of_a_series_waits_two_seconds() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let mut waits = Vec::new();
        for end in 0..7 {
            let trades = question("SPY", end, WhatToShow::Trades);
            let turn = schedule.reserve(&trades, now, PATIENCE);
            waits.push(turn.map(|(at, _)| at - now));
        }
        let later = BURST.1 + MARGIN;
        let expected = [Duration::ZERO; 5].into_iter().chain([later; 2]).map(Ok);
        assert!(waits.into_iter().eq(expected));
        // Another series does not wait behind them.
        let other = schedule.reserve(&question("TLT", 0, WhatToShow::Trades), now, PATIENCE);
        assert_eq!(other.map(|(at, _)| at), Ok(now));
    }

    #[test]
    fn bid_and_ask_count_twice() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let at_once = (0..5)
            .filter(|&end| {
                let both = question("SPY", end, WhatToShow::BidAsk);
                schedule.reserve(&both, now, Duration::ZERO).is_ok()
            })
            .count();
        assert_eq!(at_once, 2);
    }

    #[test]
    fn the_same_again_waits_a_quarter_of_a_minute() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let same = question("SPY", 0, WhatToShow::Trades);
        assert_eq!(schedule.reserve(&same, now, PATIENCE), Ok((now, 0)));
        let again = schedule.reserve(&same, now, PATIENCE).map(|(at, _)| at);
        assert_eq!(again, Ok(now + IDENTICAL + MARGIN));
        let third = schedule.reserve(&same, now, Duration::from_secs(20));
        assert_eq!(third, Err((IDENTICAL + MARGIN) * 2));
    }

    #[test]
    fn a_time_that_is_given_back_is_free() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let same = question("SPY", 0, WhatToShow::Trades);
        let number = schedule
            .reserve(&same, now, PATIENCE)
            .map(|(_, number)| number);
        schedule.release(number.unwrap_or(99));
        assert_eq!(schedule.reserve(&same, now, PATIENCE), Ok((now, 1)));
    }

    #[test]
    fn the_sixty_first_is_told_how_long() {
        let (mut schedule, begin) = (Schedule::default(), Instant::now());
        let at = |second: u64| begin + Duration::from_secs(second);
        for number in 0..60_u64 {
            let one = question(
                "SPY",
                i64::try_from(number).unwrap_or(0),
                WhatToShow::Trades,
            );
            assert!(schedule.reserve(&one, at(number), Duration::ZERO).is_ok());
        }
        let one = question("TLT", 0, WhatToShow::Trades);
        let refused = schedule.reserve(&one, at(60), PATIENCE);
        assert_eq!(refused, Err(Duration::from_secs(540) + MARGIN));
        // What is over is forgotten.
        assert!(schedule.reserve(&one, at(5_000), PATIENCE).is_ok());
        assert_eq!(schedule.turns.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_keeps_the_rules(
            asked in proptest::collection::vec((0_u64..900_000, 0..3_usize, 0_i64..4, any::<bool>()), 1..120),
            patience in 0_u64..700,
        ) {
            let mut schedule = Schedule::default();
            let begin = Instant::now();
            let mut asked = asked;
            asked.sort();
            let mut went: Vec<(Instant, Question)> = Vec::new();
            for (millis, symbol, end, both) in asked {
                let symbol = ["SPY", "TLT", "VTI"].get(symbol).copied().unwrap_or("SPY");
                let show = if both { WhatToShow::BidAsk } else { WhatToShow::Trades };
                let one = question(symbol, end, show);
                let now = begin + Duration::from_millis(millis);
                let patience = Duration::from_secs(patience);
                if let Ok((at, _)) = schedule.reserve(&one, now, patience) {
                    prop_assert!(at >= now && at - now <= patience);
                    went.push((at, one));
                }
            }
            for (from, one) in &went {
                let within = |sight: Duration| {
                    went.iter().filter(move |(at, _)| at >= from && *at < *from + sight)
                };
                let weigh = |(_, question): &(Instant, Question)| question.weight();
                prop_assert!(within(LONG.1).map(weigh).sum::<usize>() <= LONG.0);
                let series = within(BURST.1).filter(|(_, other)| other.is_of_one_series(one));
                prop_assert!(series.map(weigh).sum::<usize>() <= BURST.0);
                prop_assert_eq!(within(IDENTICAL).filter(|(_, other)| other == one).count(), 1);
            }
        }
    }
}
