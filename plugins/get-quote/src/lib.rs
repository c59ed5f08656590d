//! `ibkr_get_quote`: reads a quote once.

use std::time::{Duration, Instant};

use sandpit_sdk::broker::market_data;
use sandpit_sdk::input::ContractArgument;
use sandpit_sdk::json::Quote;
use sandpit_sdk::prelude::*;
use sandpit_sdk::{FailureKind, Suggestions};
use schemars::JsonSchema;
use serde::Serialize;

/// How long the first price may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the rest of a quote may take once its first price has come.
const REST_FOLLOWS: Duration = Duration::from_millis(500);

/// How long to wait for a change at a time, in milliseconds.
const LOOK: u32 = 100;

/// The tool.
pub struct GetQuote;

/// The quote.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    symbol: String,
    #[serde(flatten)]
    quote: Quote,
}

impl Tool for GetQuote {
    const NAME: &'static str = "ibkr_get_quote";
    const TITLE: &'static str = "Quote";
    const DESCRIPTION: &'static str = "The quote of one instrument as it is now: bid, ask, last, \
        sizes, today's range and volume. Prices are in the contract's currency, times UTC; \
        marketDataType tells live from delayed, ageMs how long ago the values held for certain. \
        To watch it change use ibkr_stream_market_data.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    type Input = ContractArgument;
    type Output = Output;

    fn resources() -> Vec<ResourceDescriptor> {
        vec![
            ResourceDescriptor::new(
                "ibkr://quotes/{symbol}",
                "quote",
                "Quote",
                "The quote of a stock in US dollars, by its symbol.",
            )
            .variable("symbol", Suggestions::Symbols)
            .volatile(&["ageMs", "time"]),
        ]
    }

    fn call(context: &Context, input: ContractArgument) -> Result<Output, Failure> {
        let contract = input.qualified()?;
        let stream = market_data::subscribe(&contract)?;
        let patience = PATIENCE.min(context.remaining() / 2);
        let start = Instant::now();
        let mut first = None;
        while let Some(batch) = stream.next(LOOK)? {
            let quote = batch.quote;
            let has_price = quote.last.is_some() || quote.bid.is_some() || quote.ask.is_some();
            let is_whole = quote.last.is_some() && quote.bid.is_some() && quote.ask.is_some();
            if has_price {
                let first = *first.get_or_insert_with(Instant::now);
                if is_whole || first.elapsed() >= REST_FOLLOWS {
                    return Ok(Output {
                        symbol: contract.symbol,
                        quote: quote.into(),
                    });
                }
            }
            if start.elapsed() >= patience {
                return Err(Failure::new(
                    FailureKind::NoData,
                    format!(
                        "No price of {} has come. It may not be traded now, or the account may \
                         have no market data for it.",
                        contract.symbol
                    ),
                ));
            }
        }
        Err(Failure::new(
            FailureKind::Cancelled,
            "The call was cancelled before a price came.",
        ))
    }
}

sandpit_sdk::export_tool!(GetQuote);
