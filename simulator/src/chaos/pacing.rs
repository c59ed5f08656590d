//! IBKR's limits on how fast clients may ask.

use std::collections::VecDeque;

use time::{Duration, OffsetDateTime};

use super::fault::HistoryPacing;
use crate::exchange::bar_request::BarSize;
use crate::exchange::search::Refusal;
use crate::wire::message::Request;
use crate::wire::proto;

/// Connections end in the third second with too many messages.
const VIOLATIONS: u32 = 3;
/// No identical request for history within this time.
const IDENTICAL: Duration = Duration::seconds(15);
/// Fewer than six for one contract, exchange and kind of data within this time.
const BURST: (usize, Duration) = (6, Duration::seconds(2));
/// At most sixty of any kind within this time; bid and ask together count twice.
const LONG: (usize, Duration) = (60, Duration::minutes(10));
/// The text of the error that says so.
const VIOLATION: &str = "Historical data request pacing violation";

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pace {
    Kept,
    /// It is refused, with the code and text of the error.
    Refused(Refusal),
    /// It is refused, and the connection ends.
    Ended(Refusal),
}

/// The limits in force, and what counts against them.
#[derive(Debug, Default)]
pub(crate) struct Pacing {
    messages: Option<u32>,
    history: HistoryPacing,
    /// The messages of the last second.
    recent: VecDeque<OffsetDateTime>,
    /// Seconds with too many messages, by connection: the last one and how many.
    violations: Vec<(u64, OffsetDateTime, u32)>,
    asked: VecDeque<(OffsetDateTime, Asked)>,
}

/// A request for history, as far as the limits go.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    series: String,
    whole: String,
    weight: usize,
}

impl Pacing {
    /// Limits that nothing counts against yet.
    pub(crate) fn new(messages: Option<u32>, history: HistoryPacing) -> Self {
        Self {
            messages,
            history,
            ..Self::default()
        }
    }

    /// Counts a message and says whether it may be handled.
    pub(crate) fn message(&mut self, connection: u64, now: OffsetDateTime) -> Pace {
        let Some(most) = self.messages else {
            return Pace::Kept;
        };
        while self
            .recent
            .front()
            .is_some_and(|&at| now - at >= Duration::SECOND)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        let received = self.recent.len();
        if received <= usize::try_from(most).unwrap_or(usize::MAX) {
            return Pace::Kept;
        }
        // One that is refused does not count against those that follow.
        self.recent.pop_back();
        let refusal = Refusal::new(
            100,
            format!(
                "Max rate of messages per second has been exceeded:max={most} rec={received} ({connection})"
            ),
        );
        match self.violation(connection, now) {
            VIOLATIONS.. => Pace::Ended(refusal),
            _ => Pace::Refused(refusal),
        }
    }

    /// Counts a second with too many messages.
    fn violation(&mut self, connection: u64, now: OffsetDateTime) -> u32 {
        let known = self
            .violations
            .iter_mut()
            .find(|(who, _, _)| *who == connection);
        match known {
            None => {
                self.violations.push((connection, now, 1));
                1
            }
            Some((_, since, count)) => {
                if now - *since >= Duration::SECOND {
                    *since = now;
                    *count += 1;
                }
                *count
            }
        }
    }

    /// Forgets a connection that has ended.
    pub(crate) fn forget(&mut self, connection: u64) {
        self.violations.retain(|(who, _, _)| *who != connection);
    }

    /// Whether a request for history comes too soon.
    pub(crate) fn history(
        &mut self,
        request: &Request,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let (asked, refusal) = match request {
            Request::HistoricalDataRequest(request) if self.is_paced(request) => (
                historical(request),
                Refusal::new(
                    162,
                    format!("Historical Market Data Service error message:{VIOLATION}"),
                ),
            ),
            Request::RealTimeBarsRequest(request) if self.history != HistoryPacing::Off => (
                real_time(request),
                Refusal::new(420, format!("Invalid Real-time Query:{VIOLATION}")),
            ),
            _ => return Ok(()),
        };
        while self
            .asked
            .front()
            .is_some_and(|(at, _)| now - *at >= LONG.1)
        {
            self.asked.pop_front();
        }
        let within = |time: Duration| {
            self.asked
                .iter()
                .rev()
                .take_while(move |(at, _)| now - *at < time)
                .map(|(_, asked)| asked)
        };
        let is_identical = within(IDENTICAL).any(|other| other.whole == asked.whole);
        let burst: usize = within(BURST.1)
            .filter(|other| other.series == asked.series)
            .map(|other| other.weight)
            .sum();
        let long: usize = within(LONG.1).map(|other| other.weight).sum();
        if is_identical || burst + asked.weight >= BURST.0 || long + asked.weight > LONG.0 {
            return Err(refusal);
        }
        self.asked.push_back((now, asked));
        Ok(())
    }

    fn is_paced(&self, request: &proto::HistoricalDataRequest) -> bool {
        match self.history {
            HistoryPacing::Off => false,
            HistoryPacing::All => true,
            HistoryPacing::SmallBars => {
                let size = BarSize::parse(request.bar_size_setting.as_deref().unwrap_or_default());
                matches!(size, Ok(BarSize::Seconds(..=30)))
            }
        }
    }
}

fn historical(request: &proto::HistoricalDataRequest) -> Asked {
    let what = request.what_to_show.as_deref().unwrap_or_default();
    let anonymous = proto::HistoricalDataRequest {
        req_id: None,
        ..request.clone()
    };
    Asked {
        series: series(request.contract.as_ref(), what),
        whole: format!("{anonymous:?}"),
        weight: if what == "BID_ASK" { 2 } else { 1 },
    }
}

fn real_time(request: &proto::RealTimeBarsRequest) -> Asked {
    let what = request.what_to_show.as_deref().unwrap_or_default();
    let anonymous = proto::RealTimeBarsRequest {
        req_id: None,
        ..request.clone()
    };
    Asked {
        series: series(request.contract.as_ref(), what),
        whole: format!("{anonymous:?}"),
        weight: 1,
    }
}

fn series(contract: Option<&proto::Contract>, what: &str) -> String {
    format!("{contract:?} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_second_with_too_many_messages_ends_the_connection() {
        let mut pacing = Pacing::new(Some(2), HistoryPacing::Off);
        let begin = OffsetDateTime::UNIX_EPOCH;
        for second in 1..=3 {
            let now = begin + Duration::seconds(second * 2);
            assert_eq!(pacing.message(1, now), Pace::Kept);
            assert_eq!(pacing.message(2, now), Pace::Kept);
            let third = pacing.message(1, now);
            let is_over = matches!(third, Pace::Ended(_));
            assert_eq!(is_over, second == 3, "{third:?}");
            assert!(is_over || matches!(&third, Pace::Refused(refusal) if refusal.code == 100));
        }
        assert!(matches!(
            pacing.message(2, begin + Duration::seconds(6)),
            Pace::Refused(_)
        ));
    }

    fn bars(symbol: &str, end: i32, what: &str) -> Request {
        proto::HistoricalDataRequest {
            req_id: Some(end),
            contract: Some(proto::Contract {
                symbol: Some(symbol.to_owned()),
                ..proto::Contract::default()
            }),
            end_date_time: Some(end.to_string()),
            bar_size_setting: Some(String::from("5 secs")),
            what_to_show: Some(what.to_owned()),
            ..proto::HistoricalDataRequest::default()
        }
        .into()
    }

    #[test]
    fn history_has_limits_of_its_own() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut pacing = Pacing::new(None, HistoryPacing::SmallBars);
        // Five of one series in two seconds, not six; bid and ask count twice.
        let kept = |pacing: &mut Pacing, symbol, what, now| {
            (0..10)
                .filter(|&end| pacing.history(&bars(symbol, end, what), now).is_ok())
                .count()
        };
        assert_eq!(kept(&mut pacing, "SPY", "TRADES", now), 5);
        assert_eq!(kept(&mut pacing, "SPY", "BID_ASK", now), 2);
        // The same again is refused for fifteen seconds.
        let again = bars("SPY", 0, "TRADES");
        assert!(pacing.history(&again, now + Duration::seconds(14)).is_err());
        assert!(pacing.history(&again, now + Duration::seconds(15)).is_ok());
        // Sixty in ten minutes.
        let later = now + Duration::hours(1);
        let all = (0..100)
            .filter(|&end| {
                let at = later + Duration::seconds(i64::from(end));
                pacing.history(&bars("TLT", end, "TRADES"), at).is_ok()
            })
            .count();
        assert_eq!(all, 60);
        let real_time = Request::from(proto::RealTimeBarsRequest::default());
        let refused = pacing.history(&real_time, later + Duration::seconds(100));
        assert!(matches!(refused, Err(refusal) if refusal.code == 420));
    }
}
