//! `ibkr_stream_market_data`: streams a quote.

use sandpit_sdk::broker::market_data;
use sandpit_sdk::input::{Both, ContractArgument};
use sandpit_sdk::json::{Gap, Quote};
use sandpit_sdk::prelude::*;
use sandpit_sdk::stream::{self, DurationArgument, Ended};
use schemars::JsonSchema;
use serde::Serialize;

/// How many gaps the summary lists at most.
const MAX_GAPS: usize = 100;

/// The tool.
pub struct StreamMarketData;

/// An event: the quote after a change.
#[derive(Serialize)]
struct QuoteEvent<'a> {
    symbol: &'a str,
    #[serde(flatten)]
    quote: &'a Quote,
}

/// An event: changes may be missing from now on, or are not any more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StaleEvent<'a> {
    symbol: &'a str,
    stale: bool,
}

/// An event: changes may have been missed.
#[derive(Serialize)]
struct GapEvent<'a> {
    symbol: &'a str,
    #[serde(flatten)]
    gap: Gap,
}

/// A summary of what was sent.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    symbol: String,
    updates_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<Quote>,
    ended: Ended,
    /// Ticks dropped because the reader was slow
    lost: u32,
    // Times in which changes may have been missed
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
}

impl Tool for StreamMarketData {
    const NAME: &'static str = "ibkr_stream_market_data";
    const TITLE: &'static str = "Stream market data";
    const DESCRIPTION: &'static str = "Watch the quote of one instrument: an event `quote` \
        whenever it changes (at most 4 a second) with bid, ask, last, sizes and today's range and \
        volume, then a summary with the latest quote. For a single quote use a duration_seconds \
        of 2. Prices are in the contract's currency, times UTC; marketDataType tells live from \
        delayed, ageMs how long ago the values held for certain. A connection that breaks does \
        not end it: an event `stale` tells when changes may be missing, and `gap` for how long \
        they were.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    const STREAMING: bool = true;
    type Input = Both<ContractArgument, DurationArgument>;
    type Output = Output;

    fn call(context: &Context, Both(contract, duration): Self::Input) -> Result<Output, Failure> {
        let contract = contract.qualified()?;
        let mut updates_count = 0;
        let mut latest = None;
        let mut lost = 0;
        let mut gaps = Vec::new();
        let mut stale = false;
        let subscribe = || {
            context.info(&format!("Streaming market data for {}", contract.symbol));
            Ok(market_data::subscribe(&contract)?)
        };
        let ended = stream::follow(context, duration, subscribe, |batch| {
            lost += batch.lost;
            let symbol = &contract.symbol;
            if let Some(gap) = batch.gap.map(Gap::from) {
                context.emit("gap", &GapEvent { symbol, gap });
                if gaps.len() < MAX_GAPS {
                    gaps.push(gap);
                }
            }
            if stale != batch.quote.stale {
                stale = batch.quote.stale;
                context.emit("stale", &StaleEvent { symbol, stale });
            }
            let changed = !batch.ticks.is_empty();
            if changed {
                let quote = Quote::from(batch.quote);
                context.emit(
                    "quote",
                    &QuoteEvent {
                        symbol,
                        quote: &quote,
                    },
                );
                latest = Some(quote);
                updates_count += 1;
            }
            changed
        })?;
        Ok(Output {
            symbol: contract.symbol,
            updates_count,
            latest,
            ended,
            lost,
            gaps,
        })
    }
}

sandpit_sdk::export_tool!(StreamMarketData);
