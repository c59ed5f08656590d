//! Historical bars: what a request means, and the bars that answer it.

use std::collections::HashMap;

use rust_decimal::Decimal;
use rust_decimal::dec;
use time::macros::time;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

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

/// How long a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BarSize {
    Seconds(i64),
    Day,
    Week,
    Month,
}

impl BarSize {
    /// Reads a bar size as TWS writes them.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(match text {
            "1 secs" | "1 sec" => Self::Seconds(1),
            "5 secs" => Self::Seconds(5),
            "10 secs" => Self::Seconds(10),
            "15 secs" => Self::Seconds(15),
            "30 secs" => Self::Seconds(30),
            "1 min" => Self::Seconds(60),
            "2 mins" => Self::Seconds(120),
            "3 mins" => Self::Seconds(180),
            "4 mins" => Self::Seconds(240),
            "5 mins" => Self::Seconds(300),
            "10 mins" => Self::Seconds(600),
            "15 mins" => Self::Seconds(900),
            "20 mins" => Self::Seconds(1_200),
            "30 mins" => Self::Seconds(1_800),
            "1 hour" => Self::Seconds(3_600),
            "2 hours" => Self::Seconds(7_200),
            "3 hours" => Self::Seconds(10_800),
            "4 hours" => Self::Seconds(14_400),
            "8 hours" => Self::Seconds(28_800),
            "1 day" => Self::Day,
            "1 week" | "1W" => Self::Week,
            "1 month" | "1M" => Self::Month,
            _ => {
                return Err(Refusal::validation(
                    "Historical data bar size setting is invalid. Legal ones are: 1 secs, 5 secs, 10 secs, 15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, 1 hour, 2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1W, 1M",
                ));
            }
        })
    }
}

/// How far back a request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Seconds(i64),
    /// Trading days.
    Days(i64),
    Weeks(i64),
    Months(i64),
}

impl Span {
    /// Reads a duration: a number, a space, and S, D, W, M or Y.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let invalid = || {
            Refusal::validation(
                "Historical data query duration format is invalid. Format should be \"integer{SPACE}unit (S|D|W|M|Y)\".",
            )
        };
        let (count, unit) = text.trim().split_once(' ').ok_or_else(invalid)?;
        let count: i64 = count.parse().map_err(|_| invalid())?;
        if !(1..=1_000_000).contains(&count) {
            return Err(invalid());
        }
        match unit {
            "S" => Ok(Self::Seconds(count)),
            "D" if count <= 365 => Ok(Self::Days(count)),
            "D" => Err(Refusal::validation(
                "Historical data requests for durations longer than 365 days must be made in years.",
            )),
            "W" if count <= 520 => Ok(Self::Weeks(count)),
            "M" if count <= 120 => Ok(Self::Months(count)),
            "Y" if count <= 30 => Ok(Self::Months(count * 12)),
            _ => Err(invalid()),
        }
    }

    /// Where the span begins on the calendar.
    pub(crate) fn start(self, end: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::Seconds(count) => end - Duration::seconds(count),
            Self::Days(count) => end - Duration::days(count),
            Self::Weeks(count) => end - Duration::weeks(count),
            Self::Months(count) => months_before(end, count),
        }
    }
}

fn months_before(end: OffsetDateTime, count: i64) -> OffsetDateTime {
    let months = i64::from(end.year()) * 12 + i64::from(u8::from(end.month())) - 1 - count;
    let year = i32::try_from(months.div_euclid(12)).unwrap_or(FIRST_YEAR);
    let month = u8::try_from(months.rem_euclid(12) + 1)
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    let month = month.unwrap_or(Month::January);
    let day = end.day().min(month.length(year));
    Date::from_calendar_date(year, month, day).map_or(end, |date| end.replace_date(date))
}

/// What the bars show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    Trades,
    Midpoint,
    Bid,
    Ask,
    BidAsk,
    Volatility,
    FeeRate,
}

impl Shows {
    /// Reads TWS's name; a schedule is not bars and is answered elsewhere.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        Ok(match text {
            "TRADES" | "ADJUSTED_LAST" | "AGGTRADES" => Self::Trades,
            "MIDPOINT" => Self::Midpoint,
            "BID" => Self::Bid,
            "ASK" => Self::Ask,
            "BID_ASK" => Self::BidAsk,
            "HISTORICAL_VOLATILITY" | "OPTION_IMPLIED_VOLATILITY" => Self::Volatility,
            "FEE_RATE" => Self::FeeRate,
            _ => {
                return Err(Refusal::validation(
                    "Historical data: what to show field is missing or incorrect.",
                ));
            }
        })
    }
}

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

/// A request for bars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BarRequest {
    pub(crate) size: BarSize,
    pub(crate) span: Span,
    pub(crate) shows: Shows,
    pub(crate) end: OffsetDateTime,
    pub(crate) regular_hours: bool,
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
        (SecType::Option | SecType::Index, _) | (SecType::Stock | SecType::Future, true) => {
            (time!(9:30), time!(16:00))
        }
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
                    let length = Duration::seconds(length);
                    let mut starts = Vec::new();
                    let mut start = open;
                    while start < close && start < end {
                        starts.push(start);
                        start += length;
                        if starts.len() > MAX_BARS {
                            return None;
                        }
                    }
                    for start in starts.into_iter().rev() {
                        if matches!(request.span, Span::Seconds(wanted) if seconds >= wanted) {
                            break;
                        }
                        seconds += length.whole_seconds();
                        windows.push(Window {
                            start,
                            end: (start + length).min(close),
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
            if windows.len() > MAX_BARS {
                return None;
            }
        }
        day = day.previous_day()?;
    }
    windows.reverse();
    Some(windows)
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
        SecType::Forex | SecType::Index => 0.0,
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
