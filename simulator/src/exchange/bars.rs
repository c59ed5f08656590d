//! Historical bars: the ones that answer a request.

use std::collections::HashMap;

use rust_decimal::Decimal;
use rust_decimal::dec;
use time::macros::time;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

use super::bar_request::{BarRequest, BarSize, Shows, Span};
use super::instrument::{Instrument, SecType};
use super::path::{self, Path};
use super::quote::Quote;
use super::search::Refusal;
use crate::clock;
use crate::number;

/// The most bars one request may ask for.
const MAX_BARS: usize = 30_000;
/// Nothing is known before this year.
const FIRST_YEAR: i32 = 2004;

/// One bar. Volume, average and count are there for trades only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) start: OffsetDateTime,
    /// A bar of a day or more is known by its day.
    pub(crate) day: Option<Date>,
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    pub(crate) traded: Option<Traded>,
}

/// What was traded in a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Traded {
    pub(crate) volume: Decimal,
    pub(crate) average: Decimal,
    pub(crate) count: i32,
}

/// The past of every instrument.
#[derive(Debug)]
pub(crate) struct History {
    seed: u64,
    /// When the simulator started: the past leads up to then.
    origin: OffsetDateTime,
    /// Bars from a fixture, oldest first, by contract id and bar size.
    recorded: HashMap<(i32, String), Vec<Bar>>,
}

impl History {
    pub(crate) fn new(
        seed: u64,
        origin: OffsetDateTime,
        recorded: HashMap<(i32, String), Vec<Bar>>,
    ) -> Self {
        Self {
            seed,
            origin,
            recorded,
        }
    }

    /// The earliest time of which anything is known.
    pub(crate) fn head(&self, instrument: &Instrument) -> OffsetDateTime {
        let year = if instrument.last_trade_date.is_some() {
            self.origin.year() - 1
        } else {
            FIRST_YEAR
        };
        let day = Date::from_calendar_date(year, Month::January, 2).unwrap_or(self.origin.date());
        clock::from_eastern(PrimitiveDateTime::new(day, time!(9:30)))
    }

    /// The bars that answer a request, oldest first.
    ///
    /// # Errors
    ///
    /// 162 when there are none, or too many.
    pub(crate) fn bars(
        &self,
        instrument: &Instrument,
        quote: &Quote,
        size_text: &str,
        request: BarRequest,
        now: OffsetDateTime,
    ) -> Result<Vec<Bar>, Refusal> {
        let no_data = |what: String| {
            Refusal::new(
                162,
                format!("Historical Market Data Service error message:{what}"),
            )
        };
        let nothing = || {
            no_data(format!(
                "HMDS query returned no data: {}@{} {:?}",
                instrument.local_symbol, instrument.exchange, request.shows
            ))
        };
        if request.shows == Shows::Trades && instrument.sec_type == SecType::Forex {
            return Err(no_data(format!(
                "No historical market data for {}/CASH@{} Last",
                instrument.symbol, instrument.exchange
            )));
        }
        let end = request.end.min(now);
        if let Some(recorded) = self
            .recorded
            .get(&(instrument.con_id, size_text.to_owned()))
        {
            let bars = from_recorded(recorded, request, end);
            return if bars.is_empty() {
                Err(nothing())
            } else {
                Ok(bars)
            };
        }
        let head = self.head(instrument);
        let windows = windows(instrument, request, end, head)
            .ok_or_else(|| no_data(String::from("Time length exceed max.")))?;
        if windows.is_empty() {
            return Err(nothing());
        }
        let path = Path {
            seed: path::instrument_seed(self.seed, instrument.con_id),
            volatility: if instrument.option.is_some() {
                1.2
            } else {
                instrument.volatility
            },
            price: number::to_double(quote.open),
            origin: self.origin,
        };
        Ok(windows
            .into_iter()
            .map(|window| generate(instrument, quote, &path, window, request.shows, now))
            .collect())
    }

    /// The sessions of a span, oldest first: reference day, start and end.
    pub(crate) fn sessions(
        &self,
        instrument: &Instrument,
        span: Span,
        end: OffsetDateTime,
        regular_hours: bool,
    ) -> Vec<(Date, OffsetDateTime, OffsetDateTime)> {
        let first = clock::eastern(span.start(end).max(self.head(instrument))).date();
        let mut sessions = Vec::new();
        let mut day = clock::eastern(end).date();
        while day >= first {
            sessions.extend(
                session(instrument, day, regular_hours).map(|(start, end)| (day, start, end)),
            );
            let Some(previous) = day.previous_day() else {
                break;
            };
            day = previous;
        }
        sessions.reverse();
        sessions
    }
}

/// A bar's place in time.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: OffsetDateTime,
    end: OffsetDateTime,
    day: Option<Date>,
}

/// When an instrument trades on a day.
fn session(
    instrument: &Instrument,
    day: Date,
    regular_hours: bool,
) -> Option<(OffsetDateTime, OffsetDateTime)> {
    if !clock::is_trading_day(day) {
        return None;
    }
    let (from, to): (Time, Time) = match (instrument.sec_type, regular_hours) {
        (SecType::Option | SecType::Index | SecType::Combo, _)
        | (SecType::Stock | SecType::Future, true) => (time!(9:30), time!(16:00)),
        (SecType::Stock, false) => (time!(4:00), time!(20:00)),
        (SecType::Future, false) => (time!(0:00), time!(17:00)),
        (SecType::Forex, _) => (time!(0:15), time!(17:00)),
    };
    let at = |time| clock::from_eastern(PrimitiveDateTime::new(day, time));
    Some((at(from), at(to)))
}

/// The bars' places in time, oldest first; `None` when there are too many.
fn windows(
    instrument: &Instrument,
    request: BarRequest,
    end: OffsetDateTime,
    head: OffsetDateTime,
) -> Option<Vec<Window>> {
    let mut windows: Vec<Window> = Vec::new();
    let mut day = clock::eastern(end).date();
    let mut days = 0;
    let mut seconds = 0;
    let calendar_start = request.span.start(end);
    loop {
        let is_past = match request.span {
            Span::Seconds(wanted) => seconds >= wanted,
            Span::Days(wanted) => days >= wanted,
            Span::Weeks(_) | Span::Months(_) => day <= clock::eastern(calendar_start).date(),
        };
        if is_past || day < head.date() {
            break;
        }
        if let Some((open, close)) =
            session(instrument, day, request.regular_hours).filter(|(open, _)| *open < end)
        {
            days += 1;
            match request.size {
                BarSize::Seconds(length) => {
                    let bars = bars_begun(close.min(end) - open, length);
                    for index in (0..bars).rev() {
                        let is_enough =
                            matches!(request.span, Span::Seconds(wanted) if seconds >= wanted);
                        if is_enough {
                            break;
                        }
                        if windows.len() >= MAX_BARS {
                            return None;
                        }
                        seconds += length;
                        let start = open + Duration::seconds(length * index);
                        windows.push(Window {
                            start,
                            end: (start + Duration::seconds(length)).min(close),
                            day: None,
                        });
                    }
                }
                BarSize::Day => {
                    seconds += 86_400;
                    windows.push(Window {
                        start: open,
                        end: close,
                        day: Some(day),
                    });
                }
                BarSize::Week | BarSize::Month => {
                    seconds += 86_400;
                    match windows.last_mut() {
                        Some(window)
                            if window
                                .day
                                .is_some_and(|known| same_period(known, day, request.size)) =>
                        {
                            window.start = open
                        }
                        _ => windows.push(Window {
                            start: open,
                            end: close,
                            day: Some(day),
                        }),
                    }
                }
            }
        }
        day = day.previous_day()?;
    }
    windows.reverse();
    Some(windows)
}

/// How many bars of `length` seconds have begun after a time.
fn bars_begun(after: Duration, length: i64) -> i64 {
    let seconds = after.whole_seconds();
    let bars = seconds / length;
    // A part of a bar is a bar that has begun.
    if after > Duration::seconds(bars * length) {
        bars + 1
    } else {
        bars
    }
}

fn same_period(one: Date, other: Date, size: BarSize) -> bool {
    match size {
        BarSize::Week => {
            one.monday_based_week() == other.monday_based_week() && one.year() == other.year()
        }
        _ => (one.year(), one.month()) == (other.year(), other.month()),
    }
}

/// The bar of a window.
fn generate(
    instrument: &Instrument,
    quote: &Quote,
    path: &Path,
    window: Window,
    shows: Shows,
    now: OffsetDateTime,
) -> Bar {
    const SAMPLES: i32 = 12;
    let tick = instrument.min_tick;
    let price = |value: f64| {
        let value = number::from_double(Some(value)).unwrap_or(instrument.start_price);
        number::round_to(value, tick).max(tick + tick)
    };
    let is_now = window.start <= now && now < window.end;
    let end = if is_now { now } else { window.end };
    let length = end - window.start;
    let samples: Vec<Decimal> = (0..=SAMPLES)
        .map(|step| price(path.at(window.start + length * step / SAMPLES)))
        .collect();
    let open = samples.first().copied().unwrap_or(quote.open);
    // The bar that is still forming ends at the market as it is.
    let close = if is_now {
        quote.last
    } else {
        samples.last().copied().unwrap_or(quote.open)
    };
    let high = samples.iter().copied().fold(open.max(close), Decimal::max);
    let low = samples.iter().copied().fold(open.min(close), Decimal::min);
    let mut bar = Bar {
        start: window.start,
        day: window.day,
        open,
        high,
        low,
        close,
        traded: None,
    };
    match shows {
        Shows::Trades => bar.traded = Some(traded(instrument, path, &bar, window)),
        Shows::Midpoint => {}
        Shows::Bid => bar.shift(-tick),
        Shows::Ask => bar.shift(tick),
        Shows::BidAsk => {
            // TWS puts the average bid in the open and the average ask in the close.
            let middle = number::round_to((bar.open + bar.close) / dec!(2), tick);
            bar.open = middle - tick;
            bar.close = middle + tick;
            bar.low = (bar.low - tick).min(bar.open);
            bar.high = (bar.high + tick).max(bar.close);
        }
        Shows::Volatility => bar.level(instrument.volatility, path.seed),
        Shows::FeeRate => bar.level(0.25, path.seed),
    }
    bar
}

impl Bar {
    fn shift(&mut self, by: Decimal) {
        for price in [
            &mut self.open,
            &mut self.high,
            &mut self.low,
            &mut self.close,
        ] {
            *price += by;
        }
    }

    /// Replaces the prices with values around a level.
    fn level(&mut self, level: f64, seed: u64) {
        let around = |shift: i64| {
            let part = path::chance(self.start + Duration::seconds(shift), seed) - 0.5;
            number::from_double(Some(level * (1.0 + part * 0.2)))
                .unwrap_or_default()
                .round_dp(6)
        };
        let (open, close) = (around(0), around(1));
        (self.open, self.close) = (open, close);
        (self.high, self.low) = (open.max(close), open.min(close));
    }
}

fn traded(instrument: &Instrument, path: &Path, bar: &Bar, window: Window) -> Traded {
    let hours = (window.end - window.start).as_seconds_f64() / 3_600.0;
    let hourly = match instrument.sec_type {
        SecType::Stock => 600_000.0,
        SecType::Future => 90_000.0,
        SecType::Option => 300.0,
        SecType::Forex | SecType::Index | SecType::Combo => 0.0,
    };
    let shares = hourly * hours * (0.5 + path::chance(window.start, path.seed));
    let volume = number::from_double(Some(shares.round())).unwrap_or_default();
    let average = ((bar.open + bar.high + bar.low + bar.close) / dec!(4)).round_dp(6);
    let count = (volume / dec!(80)).trunc().max(volume.min(Decimal::ONE));
    Traded {
        volume,
        average,
        count: i32::try_from(count).unwrap_or(i32::MAX),
    }
}

fn from_recorded(recorded: &[Bar], request: BarRequest, end: OffsetDateTime) -> Vec<Bar> {
    let known = recorded.iter().filter(|bar| bar.start < end);
    match (request.span, request.size) {
        (Span::Days(count), BarSize::Day) => {
            let known: Vec<Bar> = known.cloned().collect();
            let skip = known
                .len()
                .saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
            known.into_iter().skip(skip).collect()
        }
        (span, _) => known
            .filter(|bar| bar.start >= span.start(end))
            .cloned()
            .collect(),
    }
}
