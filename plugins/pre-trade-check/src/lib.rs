//! `ibkr_pre_trade_check`: the prompt that goes through what to know before an
//! order.

use sandpit_sdk::broker::account;
use sandpit_sdk::json::{AccountValue, Position};
use sandpit_sdk::prelude::*;
use sandpit_sdk::prompt::{self, Argument, Conversation, Prompt, Reply};
use sandpit_sdk::time::Timestamp;
use sandpit_sdk::{Decimal, Role, Suggestions};
use serde::{Deserialize, Serialize};

/// The prompt.
pub struct PreTradeCheck;

/// What a person fills in.
#[derive(Deserialize)]
pub struct Input {
    symbol: String,
    side: String,
    quantity: Decimal,
    account: Option<String>,
}

/// What is so when the conversation begins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    as_of: Timestamp,
    account: String,
    summary: Vec<AccountValue>,
    /// In the symbol, and in its derivatives.
    positions: Vec<Position>,
}

impl Prompt for PreTradeCheck {
    const NAME: &'static str = "ibkr_pre_trade_check";
    const TITLE: &'static str = "Check an order before it is placed";
    const DESCRIPTION: &'static str = "What to know before an order: the instrument, the quote, \
        what is held and open, margin, cost and the risk gate's verdict. It places nothing.";
    type Input = Input;

    fn arguments() -> Vec<Argument> {
        vec![
            Argument::required("symbol", "Symbol", "What to trade, such as SPY")
                .suggesting(Suggestions::Symbols),
            Argument::required("side", "Side", "BUY or SELL").suggesting(Suggestions::Values(
                vec!["BUY".to_owned(), "SELL".to_owned()],
            )),
            Argument::required("quantity", "Quantity", "How many shares or contracts"),
            Argument::optional(
                "account",
                "Account",
                "Which account; the only one if left out",
            )
            .suggesting(Suggestions::Accounts),
        ]
    }

    fn get(_context: &Context, input: Input) -> Result<Reply, Failure> {
        let order = order(&input)?;
        let symbol = input.symbol.trim().to_ascii_uppercase();
        let account = prompt::account(input.account)?;
        let summary = account::summary()?.into_iter();
        let positions = account::positions()?.into_iter();
        let facts = Facts {
            as_of: Timestamp::now(),
            summary: summary
                .filter(|value| value.account == account)
                .map(AccountValue::from)
                .collect(),
            positions: positions
                .filter(|held| held.account == account && held.contract.symbol == symbol)
                .map(Position::from)
                .collect(),
            account: account.clone(),
        };
        let text = workflow(&order, &symbol, &account, facts.as_of);
        Ok(Conversation::new()
            .about(format!("Before the order: {order} in {account}"))
            .user(text)
            .says(
                Role::User,
                prompt::facts("ibkr://prompts/pre_trade_check/facts", &facts),
            )
            .into())
    }
}

/// The order in words, such as `BUY 100 SPY`.
fn order(input: &Input) -> Result<String, Failure> {
    let side = input.side.trim().to_ascii_uppercase();
    if side != "BUY" && side != "SELL" {
        return Err(Failure::invalid_arguments(format!(
            "The side {:?} is neither BUY nor SELL",
            input.side
        )));
    }
    let symbol = input.symbol.trim().to_ascii_uppercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || " .-".contains(c);
    if symbol.is_empty() || symbol.len() > 20 || !symbol.chars().all(plain) {
        return Err(Failure::invalid_arguments(format!(
            "{:?} is no symbol; write it as TWS does, such as SPY",
            input.symbol
        )));
    }
    if !input.quantity.is_positive() {
        return Err(Failure::invalid_arguments(
            "The quantity must be greater than zero; the side says the direction",
        ));
    }
    Ok(format!("{side} {} {symbol}", input.quantity))
}

fn workflow(order: &str, symbol: &str, account: &str, as_of: Timestamp) -> String {
    format!(
        "Before I decide on this order, check it: {order} in account {account}.\n\
         The message below has the account's summary and its positions in {symbol} as of {as_of}. \
         Every amount is in the currency beside it. Place no order in this conversation unless I \
         ask for it after your report.\n\
         \n\
         Look in this order, and say what you could not find out:\n\
         1. ibkr_get_status: connected, paper or live, trading halted or open.\n\
         2. ibkr_get_contract_details for {symbol}: is it the instrument that I mean (name, \
         currency, exchange, minimum tick, trading hours)? Ask me if several fit.\n\
         3. ibkr_get_quote for {symbol}: bid, ask, spread, and \
         whether the data are live, delayed or stale. ibkr_get_historical_data with 30 daily \
         bars: where the price stands in their range, and the usual daily volume.\n\
         4. ibkr_get_open_orders: orders in {symbol} that add to this one or stand against it.\n\
         5. ibkr_preview_order with exactly this order, as a limit order at the price you would \
         choose: margin and equity after, commission, and the risk gate's verdict rule by rule.\n\
         \n\
         Then report, shortly: the order with its amount and currency; position before and after; \
         share of the net liquidation value; margin and commission; each warning with its number; \
         and one sentence of judgement. If the gate refuses, say which rule and by how much. Do \
         not suggest a way around it, such as splitting the order."
    )
}

sandpit_sdk::export_prompt!(PreTradeCheck);

#[cfg(test)]
mod tests {
    use super::*;

    fn input(symbol: &str, side: &str, quantity: &str) -> Option<Input> {
        Some(Input {
            symbol: symbol.to_owned(),
            side: side.to_owned(),
            quantity: quantity.parse().ok()?,
            account: None,
        })
    }

    #[test]
    fn an_order_is_said_in_words() {
        let good = input(" spy", "buy", "100").map(|input| order(&input));
        assert_eq!(good, Some(Ok("BUY 100 SPY".to_owned())));
        for (symbol, side, quantity) in [
            ("SPY", "HOLD", "1"),
            ("SPY", "SELL", "0"),
            ("SPY", "SELL", "-1"),
            ("", "BUY", "1"),
            ("S\nPY", "BUY", "1"),
        ] {
            let refused = input(symbol, side, quantity).map(|input| order(&input).is_err());
            assert_eq!(refused, Some(true), "{side} {quantity} {symbol:?}");
        }
    }
}
