//! Account values, positions and portfolios.

use ibapi::accounts as ib;

use super::{contract, decimal, text};
use crate::model::{AccountValue, PortfolioItem, Position, Value};

/// A value that TWS sends as text: a number if it reads as one.
pub(crate) fn value(text: &str) -> Value {
    match decimal::parse(text) {
        // 1.7976931348623157e308 as text: TWS has no value.
        Some(number) => Value::Number(number),
        None => Value::Text(text.to_owned()),
    }
}

/// Whether TWS sent a text that stands for the absence of a value.
fn is_absent(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with("1.7976931348623157") || text == "NaN"
}

/// One row of an account, unless TWS has no value for it.
pub(crate) fn account_value(
    account: &str,
    tag: &str,
    text_value: &str,
    currency: &str,
) -> Option<AccountValue> {
    (!is_absent(text_value)).then(|| AccountValue {
        account: account.to_owned(),
        tag: tag.to_owned(),
        value: value(text_value),
        currency: text(currency),
    })
}

/// A position; `None` if its size is not a number.
pub(crate) fn position(position: &ib::Position) -> Option<Position> {
    Some(Position {
        account: position.account.clone(),
        contract: contract::from_tws(&position.contract),
        quantity: decimal::decimal(position.position)?,
        average_cost: decimal::decimal(position.average_cost),
    })
}

/// A position with its value; `None` if its size is not a number.
pub(crate) fn portfolio(item: &ib::AccountPortfolioValue, account: &str) -> Option<PortfolioItem> {
    Some(PortfolioItem {
        position: Position {
            account: item.account.clone().unwrap_or_else(|| account.to_owned()),
            contract: contract::from_tws(&item.contract),
            quantity: decimal::decimal(item.position)?,
            average_cost: decimal::decimal(item.average_cost),
        },
        market_price: decimal::decimal(item.market_price),
        market_value: decimal::decimal(item.market_value),
        unrealized_pnl: decimal::decimal(item.unrealized_pnl),
        realized_pnl: decimal::decimal(item.realized_pnl),
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn numbers_are_numbers_and_words_are_words() {
        let row = |text| account_value("DU1", "X", text, "USD").map(|row| row.value);
        assert_eq!(
            row("100000.50"),
            Some(Value::Number(Decimal::new(10_000_050, 2)))
        );
        assert_eq!(row("-1"), Some(Value::Number(Decimal::from(-1))));
        assert_eq!(row("INDIVIDUAL"), Some(Value::Text("INDIVIDUAL".into())));
        assert_eq!(row("1.7976931348623157E308"), None);
        assert_eq!(row(""), None);
    }

    #[test]
    fn what_is_not_money_has_no_currency() {
        let row = account_value("DU1", "AccountType", "INDIVIDUAL", "");
        assert_eq!(row.and_then(|row| row.currency), None);
    }
}
