//! `ibkr_stream_account_updates`: streams the values and the portfolio of an
//! account.

use sandpit_sdk::broker::account;
use sandpit_sdk::input::{AccountArgument, Both};
use sandpit_sdk::json::{AccountValue, Gap, PortfolioItem};
use sandpit_sdk::prelude::*;
use sandpit_sdk::stream::{self, DurationArgument, Ended};
use sandpit_sdk::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// How many gaps the summary lists at most.
const MAX_GAPS: usize = 100;

/// The tool.
pub struct StreamAccountUpdates;

/// An event: what has changed.
#[derive(Serialize)]
struct AccountEvent<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    values: &'a [AccountValue],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    portfolio: &'a [PortfolioItem],
}

/// An event: changes may be missing from now on, or are not any more.
#[derive(Serialize)]
struct StaleEvent {
    stale: bool,
}

/// A summary of what was sent.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    updates_count: u32,
    latest: Latest,
    ended: Ended,
    /// Changes dropped because the reader was slow
    lost: u32,
    // When the latest of the values came
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Timestamp>,
    // Whether changes may be missing, because a link is broken
    stale: bool,
    // Times in which changes may have been missed
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
}

/// The latest of every value and of every position.
#[derive(Default, Serialize, JsonSchema)]
pub struct Latest {
    values: Vec<AccountValue>,
    portfolio: Vec<PortfolioItem>,
}

impl Latest {
    /// Each new one replaces the older one of the same value or position.
    fn update(&mut self, values: Vec<AccountValue>, portfolio: Vec<PortfolioItem>) {
        for value in values {
            match self.values.iter_mut().find(|old| old.key() == value.key()) {
                Some(old) => *old = value,
                None => self.values.push(value),
            }
        }
        for item in portfolio {
            match self
                .portfolio
                .iter_mut()
                .find(|old| old.is_same_position(&item))
            {
                Some(old) => *old = item,
                None => self.portfolio.push(item),
            }
        }
    }
}

impl Tool for StreamAccountUpdates {
    const NAME: &'static str = "ibkr_stream_account_updates";
    const TITLE: &'static str = "Stream account updates";
    const DESCRIPTION: &'static str = "Watch one account: an event `account` with the values and \
        positions that changed (TWS recomputes them about every 3 minutes and after fills), then \
        a summary with the latest of each. Portfolio prices and profits are in the contract's \
        currency. For values and market values now, use a duration_seconds of 2. A connection \
        that breaks does not end it: an event `stale` tells when changes may be missing, and `gap` \
        for how long they were.";
    const ANNOTATIONS: Annotations = Annotations::READ;
    const STREAMING: bool = true;
    type Input = Both<AccountArgument, DurationArgument>;
    type Output = Output;

    fn call(context: &Context, Both(of, duration): Self::Input) -> Result<Output, Failure> {
        let mut updates_count = 0;
        let mut latest = Latest::default();
        let mut lost = 0;
        let mut gaps = Vec::new();
        let mut stale = false;
        let mut updated = None;
        let subscribe = || {
            context.info("Streaming account updates");
            Ok(account::subscribe(of.account.as_deref())?)
        };
        let ended = stream::follow(context, duration, subscribe, |batch| {
            lost += batch.lost;
            updated = batch.updated.map(Timestamp);
            if let Some(gap) = batch.gap.map(Gap::from) {
                context.emit("gap", &gap);
                if gaps.len() < MAX_GAPS {
                    gaps.push(gap);
                }
            }
            if stale != batch.stale {
                stale = batch.stale;
                context.emit("stale", &StaleEvent { stale });
            }
            let values: Vec<_> = batch.values.into_iter().map(AccountValue::from).collect();
            let portfolio: Vec<_> = batch
                .portfolio
                .into_iter()
                .map(PortfolioItem::from)
                .collect();
            let changed = !values.is_empty() || !portfolio.is_empty();
            if changed {
                context.emit(
                    "account",
                    &AccountEvent {
                        values: &values,
                        portfolio: &portfolio,
                    },
                );
                latest.update(values, portfolio);
                updates_count += 1;
            }
            changed
        })?;
        // TWS sends them in any order.
        latest
            .values
            .sort_by(|one, other| one.key().cmp(&other.key()));
        Ok(Output {
            updates_count,
            latest,
            ended,
            lost,
            updated,
            stale,
            gaps,
        })
    }
}

sandpit_sdk::export_tool!(StreamAccountUpdates);
