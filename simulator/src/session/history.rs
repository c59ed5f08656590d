//! Historical bars, bars that keep up to date, real-time bars, schedules.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::Client;
use crate::clock;
use crate::exchange::bar_request::{BarRequest, BarSize, Shows, Span};
use crate::exchange::bars::Bar;
use crate::exchange::instrument::Instrument;
use crate::exchange::search::Refusal;
use crate::exchange::{Exchange, Quote};
use crate::number;
use crate::wire::proto;

/// A history request that keeps up to date.
#[derive(Debug)]
pub(crate) struct HistorySubscription {
    pub(crate) instrument: Arc<Instrument>,
    size_text: String,
    request: BarRequest,
    epoch_dates: bool,
    last: Option<Bar>,
}

/// A subscription to bars of five seconds.
#[derive(Debug)]
pub(crate) struct RealTimeBars {
    pub(crate) instrument: Arc<Instrument>,
    shows: Shows,
    start: OffsetDateTime,
    prices: Vec<Decimal>,
    volume: Decimal,
}

const REAL_TIME_SECONDS: i64 = 5;

/// Historical data (20): the bars in one message, then the end; or a schedule.
pub(super) fn request(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::HistoricalDataRequest,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    if client.subscriptions.history.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    let instrument = exchange.market.find_one(request.contract.as_ref())?;
    let size_text = request.bar_size_setting.clone().unwrap_or_default();
    let what = request.what_to_show.as_deref().unwrap_or_default();
    let end_text = request
        .end_date_time
        .as_deref()
        .filter(|text| !text.is_empty());
    let end = match end_text {
        None => now,
        Some(text) => clock::parse(text).ok_or_else(|| {
            Refusal::new(
                10314,
                "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xx/xxxx where yyyymmdd and xx/xxxx are optional.",
            )
        })?,
    };
    let keeps_up = request.keep_up_to_date.unwrap_or_default();
    if keeps_up && end_text.is_some() {
        return Err(Refusal::validation(
            "End date not supported with keepUpToDate",
        ));
    }
    if what == "ADJUSTED_LAST" && end_text.is_some() {
        return Err(Refusal::validation(
            "End date not supported with adjusted last",
        ));
    }
    let bars = BarRequest {
        size: BarSize::parse(&size_text)?,
        span: Span::parse(request.duration.as_deref().unwrap_or_default())?,
        shows: if what == "SCHEDULE" {
            Shows::Trades
        } else {
            Shows::parse(what)?
        },
        end,
        regular_hours: request.use_rth.unwrap_or_default(),
    };
    if what == "SCHEDULE" {
        schedule(client, exchange, &instrument, id, bars);
        return Ok(());
    }
    let quote = exchange.market.quote(instrument.con_id).ok_or_else(|| {
        Refusal::new(200, "No security definition has been found for the request")
    })?;
    let found = exchange
        .history
        .bars(&instrument, quote, &size_text, bars, now)?;
    // 1 asks for text, 2 for seconds since 1970.
    let epoch_dates = request.format_date.unwrap_or(1) == 2;
    client.send(proto::HistoricalData {
        req_id: Some(id),
        historical_data_bars: found.iter().map(|bar| write(bar, epoch_dates)).collect(),
    });
    if keeps_up {
        let last = found.into_iter().last();
        let subscription = HistorySubscription {
            instrument,
            size_text,
            request: bars,
            epoch_dates,
            last,
        };
        client.subscriptions.history.insert(id, subscription);
    }
    client.send(proto::HistoricalDataEnd {
        req_id: Some(id),
        start_date_str: Some(clock::with_zone(bars.span.start(end))),
        end_date_str: Some(clock::with_zone(end)),
    });
    Ok(())
}

fn schedule(
    client: &Client,
    exchange: &Exchange,
    instrument: &Instrument,
    id: i32,
    request: BarRequest,
) {
    let sessions =
        exchange
            .history
            .sessions(instrument, request.span, request.end, request.regular_hours);
    let local = |at| Some(clock::dashed(clock::eastern(at)));
    client.send(proto::HistoricalSchedule {
        req_id: Some(id),
        start_date_time: local(sessions.first().map_or(request.end, |session| session.1)),
        end_date_time: local(sessions.last().map_or(request.end, |session| session.2)),
        time_zone: Some(clock::EASTERN.to_owned()),
        historical_sessions: sessions
            .iter()
            .map(|&(day, start, end)| proto::HistoricalSession {
                start_date_time: local(start),
                end_date_time: local(end),
                ref_date: Some(clock::date(day)),
            })
            .collect(),
    });
}

/// Head timestamp (87): the earliest time with data.
pub(super) fn head_timestamp(
    client: &Client,
    exchange: &Exchange,
    request: &proto::HeadTimestampRequest,
) -> Result<(), Refusal> {
    let instrument = exchange.market.find_one(request.contract.as_ref())?;
    let head = exchange.history.head(&instrument);
    let text = if request.format_date == Some(2) {
        head.unix_timestamp().to_string()
    } else {
        clock::dashed(head.to_offset(time::UtcOffset::UTC))
    };
    client.send(proto::HeadTimestamp {
        req_id: request.req_id,
        head_timestamp: Some(text),
    });
    Ok(())
}

/// Real-time bars (50).
pub(super) fn real_time_bars(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::RealTimeBarsRequest,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    let instrument = exchange.market.find_one(request.contract.as_ref())?;
    let shows = Shows::parse(request.what_to_show.as_deref().unwrap_or_default())?;
    let subscription = RealTimeBars {
        instrument,
        shows,
        start: now,
        prices: Vec::new(),
        volume: Decimal::ZERO,
    };
    match client.subscriptions.bars.insert(id, subscription) {
        Some(_) => Err(Refusal::processing("Duplicate ticker id")),
        None => Ok(()),
    }
}

/// A span that reaches just far enough back for the bar that is forming.
fn latest(size: BarSize) -> Span {
    match size {
        BarSize::Seconds(_) | BarSize::Day => Span::Seconds(1),
        BarSize::Week => Span::Weeks(1),
        BarSize::Month => Span::Months(1),
    }
}

/// What the market's last step means for a client's bars.
pub(super) fn publish(client: &mut Client, exchange: &Exchange, now: OffsetDateTime) {
    let mut replies = Vec::new();
    for (&id, subscription) in &mut client.subscriptions.history {
        let Some(quote) = exchange.market.quote(subscription.instrument.con_id) else {
            continue;
        };
        let request = BarRequest {
            end: now,
            span: latest(subscription.request.size),
            ..subscription.request
        };
        let bars = exchange.history.bars(
            &subscription.instrument,
            quote,
            &subscription.size_text,
            request,
            now,
        );
        let newest = bars.ok().and_then(|bars| bars.into_iter().last());
        if newest != subscription.last
            && let Some(bar) = &newest
        {
            replies.push(proto::HistoricalDataUpdate {
                req_id: Some(id),
                historical_data_bar: Some(write(bar, subscription.epoch_dates)),
            });
            subscription.last = newest;
        }
    }
    for reply in replies {
        client.send(reply);
    }
    let mut ticks = Vec::new();
    for (&id, bars) in &mut client.subscriptions.bars {
        let Some(quote) = exchange.market.quote(bars.instrument.con_id) else {
            continue;
        };
        bars.see(quote);
        if now - bars.start >= Duration::seconds(REAL_TIME_SECONDS) {
            ticks.extend(bars.finish(id));
            bars.start = now;
        }
    }
    for tick in ticks {
        client.send(tick);
    }
}

impl RealTimeBars {
    fn see(&mut self, quote: &Quote) {
        self.prices.push(match self.shows {
            Shows::Bid => quote.bid,
            Shows::Ask => quote.ask,
            _ => quote.last,
        });
        self.volume += quote.last_size;
    }

    fn finish(&mut self, id: i32) -> Option<proto::RealTimeBarTick> {
        let prices = std::mem::take(&mut self.prices);
        let volume = std::mem::take(&mut self.volume);
        let (open, close) = (*prices.first()?, *prices.last()?);
        let high = prices.iter().copied().fold(open, Decimal::max);
        let low = prices.iter().copied().fold(open, Decimal::min);
        let count = i32::try_from(prices.len()).unwrap_or(i32::MAX);
        let average = prices.iter().sum::<Decimal>() / Decimal::from(count);
        Some(proto::RealTimeBarTick {
            req_id: Some(id),
            time: Some(self.start.unix_timestamp()),
            open: Some(number::to_double(open)),
            high: Some(number::to_double(high)),
            low: Some(number::to_double(low)),
            close: Some(number::to_double(close)),
            volume: Some(number::to_text(volume)),
            wap: Some(number::to_text(average.round_dp(6))),
            count: Some(count),
        })
    }
}

fn write(bar: &Bar, epoch_dates: bool) -> proto::HistoricalDataBar {
    let date = match bar.day {
        Some(day) => clock::date(day),
        None if epoch_dates => bar.start.unix_timestamp().to_string(),
        None => clock::with_zone(bar.start),
    };
    // TWS writes -1 where bars have no trades, as bids and midpoints do.
    let none = || String::from("-1");
    proto::HistoricalDataBar {
        date: Some(date),
        open: Some(number::to_double(bar.open)),
        high: Some(number::to_double(bar.high)),
        low: Some(number::to_double(bar.low)),
        close: Some(number::to_double(bar.close)),
        volume: Some(
            bar.traded
                .map_or_else(none, |traded| number::to_text(traded.volume)),
        ),
        wap: Some(
            bar.traded
                .map_or_else(none, |traded| number::to_text(traded.average)),
        ),
        bar_count: Some(bar.traded.map_or(-1, |traded| traded.count)),
    }
}
