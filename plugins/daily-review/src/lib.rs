//! `ibkr_daily_review`: the prompt that looks back at a trading day.

use sandpit_sdk::broker::account;
use sandpit_sdk::broker::order_book::{self, ExecutionFilter};
use sandpit_sdk::json::{AccountValue, Execution, Position};
use sandpit_sdk::prelude::*;
use sandpit_sdk::prompt::{self, Argument, Conversation, Prompt, Reply};
use sandpit_sdk::time::{Timestamp, parse_day};
use sandpit_sdk::{Role, Suggestions};
use serde::{Deserialize, Serialize};

/// The prompt.
pub struct DailyReview;

/// What a person fills in.
#[derive(Deserialize)]
pub struct Input {
    account: Option<String>,
    day: Option<String>,
}

/// What is so when the conversation begins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    as_of: Timestamp,
    account: String,
    day: String,
    summary: Vec<AccountValue>,
    positions: Vec<Position>,
    /// Of that day in UTC, as far as TWS still has them.
    executions: Vec<Execution>,
}

impl Prompt for DailyReview {
    const NAME: &'static str = "ibkr_daily_review";
    const TITLE: &'static str = "Review a trading day";
    const DESCRIPTION: &'static str = "Looks back at a day of an account: what was traded and at \
        what cost, what it earned, what is open, and what to look at tomorrow. It only reads.";
    type Input = Input;

    fn arguments() -> Vec<Argument> {
        vec![
            Argument::optional(
                "account",
                "Account",
                "Which account; the only one if left out",
            )
            .suggesting(Suggestions::Accounts),
            Argument::optional(
                "day",
                "Day",
                "The day in UTC, such as 2026-12-18; today if left out. TWS has the executions of \
                 its current day only",
            ),
        ]
    }

    fn get(_context: &Context, input: Input) -> Result<Reply, Failure> {
        let as_of = Timestamp::now();
        let day = day(input.day.as_deref(), as_of)?;
        let account = prompt::account(input.account)?;
        let filter = ExecutionFilter {
            account: Some(account.clone()),
            symbol: None,
            side: None,
            after: None,
        };
        let executions = order_book::executions(&filter)?.into_iter();
        let facts = Facts {
            as_of,
            summary: account::summary()?
                .into_iter()
                .filter(|value| value.account == account)
                .map(AccountValue::from)
                .collect(),
            positions: account::positions()?
                .into_iter()
                .filter(|held| held.account == account)
                .map(Position::from)
                .collect(),
            executions: executions
                .filter(|fill| Timestamp(fill.time).to_string().starts_with(&day))
                .map(Execution::from)
                .collect(),
            account: account.clone(),
            day: day.clone(),
        };
        let text = workflow(&account, &day, as_of);
        Ok(Conversation::new()
            .about(format!("Review of {day} in {account}"))
            .user(text)
            .says(
                Role::User,
                prompt::facts("ibkr://prompts/daily_review/facts", &facts),
            )
            .into())
    }
}

/// The day that is meant, as `2026-12-18`.
fn day(named: Option<&str>, now: Timestamp) -> Result<String, Failure> {
    let Some(named) = named else {
        return Ok(now.to_string().chars().take(10).collect());
    };
    parse_day(named.trim()).ok_or_else(|| {
        Failure::invalid_arguments(format!("{named:?} is no day; write it like 2026-12-18"))
    })
}

fn workflow(account: &str, day: &str, as_of: Timestamp) -> String {
    format!(
        "Review {day} (UTC) in account {account}. Only read: place, change and cancel nothing.\n\
         The message below has the summary and the positions as of {as_of}, and the executions of \
         that day as far as TWS still has them: it keeps those since its own midnight. If the day \
         is over, say that fills may be missing, and do not rebuild them from positions.\n\
         \n\
         Complete the picture:\n\
         1. ibkr_get_completed_orders and ibkr_get_open_orders: what was cancelled or refused, and \
         what still works in the market.\n\
         2. ibkr_get_pnl for the account, and ibkr_get_pnl_single for the largest positions: \
         daily, unrealized and realized, each with its asOf. Mark what is stale. These are of now, \
         not of an earlier day.\n\
         3. ibkr_get_historical_data with daily bars for what was traded or is large: how the \
         market moved that day.\n\
         \n\
         Then report:\n\
         - Trades: symbol, side, quantity, average price, commission, realized profit, each with \
         its currency; totals per currency, never across currencies.\n\
         - Result: what the day earned and which positions it came from.\n\
         - State: largest positions as share of the net liquidation value, cash, margin cushion.\n\
         - Open: orders that still work, with their distance to the market.\n\
         - To look at: at most five points, each with the number behind it. No advice to trade."
    )
}

sandpit_sdk::export_prompt!(DailyReview);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_named_or_today() {
        let now = Timestamp(1_795_363_486_007);
        assert_eq!(day(None, now).as_deref(), Ok("2026-11-22"));
        assert_eq!(day(Some("20261218"), now).as_deref(), Ok("2026-12-18"));
        for wrong in ["", "yesterday", "2026-02-30"] {
            assert!(day(Some(wrong), now).is_err(), "{wrong}");
        }
    }
}
