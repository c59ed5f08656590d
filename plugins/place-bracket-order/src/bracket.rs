//! The three orders of a bracket, and whether their prices make sense.

use std::cmp::Ordering;

use sandpit_sdk::broker::orders::{Order, OrderType, StopAndLimit, TimeInForce};
use sandpit_sdk::broker::trading::Role;
use sandpit_sdk::broker::types::Action;
use sandpit_sdk::{Decimal, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

/// A bracket among the arguments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    /// BUY, SELL or SSHORT, of the entry
    action: String,
    /// Shares or contracts; for CASH units of the base currency
    quantity: Decimal,
    /// Limit of the entry; at the market without it
    limit_price: Option<Decimal>,
    /// Limit of the take profit
    take_profit_price: Decimal,
    /// Stop of the stop loss
    stop_loss_price: Decimal,
    /// Makes the stop loss a stop-limit with this limit
    stop_loss_limit_price: Option<Decimal>,
    /// Of the entry: DAY (default) or GTC
    tif: Option<String>,
    /// Of the exits: GTC (default) or DAY
    exit_tif: Option<String>,
    /// Outside regular hours too
    outside_rth: Option<bool>,
    /// Needed only if there are several
    account: Option<String>,
    /// Your own note
    order_ref: Option<String>,
}

impl Bracket {
    /// The side of the entry.
    ///
    /// # Errors
    /// If it is none.
    pub fn action(&self) -> Result<Action, Failure> {
        let table = [
            ("BUY", Action::Buy),
            ("SELL", Action::Sell),
            ("SSHORT", Action::SellShort),
        ];
        one_of("action", &self.action, &table)
    }

    /// How much.
    ///
    /// # Errors
    /// If it is not more than nothing.
    pub fn quantity(&self) -> Result<Decimal, Failure> {
        if self.quantity.is_positive() {
            return Ok(self.quantity);
        }
        invalid(format!(
            "quantity must be greater than 0; got {}. To sell, use action SELL",
            self.quantity
        ))
    }

    /// The entry, the take profit and the stop loss.
    ///
    /// # Errors
    /// If they cannot be right.
    pub fn orders(&self) -> Result<[(Order, Role); 3], Failure> {
        let action = self.action()?;
        let quantity = self.quantity()?;
        let buys = action == Action::Buy;
        self.check_prices(buys)?;
        let times = [
            ("DAY", TimeInForce::Day),
            ("GTC", TimeInForce::GoodTillCancelled),
        ];
        let time = |name: &str, text: &Option<String>, default: TimeInForce| match text {
            Some(text) => one_of(name, text, &times),
            None => Ok(default),
        };
        let order = |action, order_type, time_in_force| Order {
            action,
            quantity,
            order_type,
            time_in_force,
            account: self.account.clone(),
            outside_regular_hours: self.outside_rth.unwrap_or(false),
            good_after: None,
            parent_id: None,
            oca: None,
            transmit: true,
            algorithm: None,
            reference: self.order_ref.clone(),
            display_quantity: None,
            all_or_none: false,
            hidden: false,
        };
        let entry = match self.limit_price {
            Some(limit) => OrderType::Limit(limit),
            None => OrderType::Market,
        };
        let stop_loss = match self.stop_loss_limit_price {
            Some(limit) => OrderType::StopLimit(StopAndLimit {
                stop: self.stop_loss_price,
                limit,
            }),
            None => OrderType::Stop(self.stop_loss_price),
        };
        let closes = if buys { Action::Sell } else { Action::Buy };
        let entry_time = time("tif", &self.tif, TimeInForce::Day)?;
        let exit_time = time("exitTif", &self.exit_tif, TimeInForce::GoodTillCancelled)?;
        let take_profit = OrderType::Limit(self.take_profit_price);
        Ok([
            (order(action, entry, entry_time), Role::Entry),
            (order(closes, take_profit, exit_time.clone()), Role::Exit),
            (order(closes, stop_loss, exit_time), Role::Exit),
        ])
    }

    /// A long position gains above its entry and is stopped below; a short one
    /// the other way round.
    fn check_prices(&self, buys: bool) -> Result<(), Failure> {
        let (verb, gain, loss, order) = if buys {
            ("BUY", "above", "below", Ordering::Greater)
        } else {
            ("SELL", "below", "above", Ordering::Less)
        };
        let beyond = |price: Decimal, other: Decimal| compare(price, other) == order;
        let wrong = |what: &str, price: Decimal, side: &str, than: &str, other: Decimal| {
            invalid(format!(
                "Of a {verb} bracket, {what} must be {side} {than}; got {price} and {other}"
            ))
        };
        let (profit, stop) = (self.take_profit_price, self.stop_loss_price);
        if let Some(entry) = self.limit_price {
            if !beyond(profit, entry) {
                return wrong("takeProfitPrice", profit, gain, "limitPrice", entry);
            }
            if !beyond(entry, stop) {
                return wrong("stopLossPrice", stop, loss, "limitPrice", entry);
            }
        }
        if !beyond(profit, stop) {
            return wrong("takeProfitPrice", profit, gain, "stopLossPrice", stop);
        }
        if let Some(limit) = self.stop_loss_limit_price
            && beyond(limit, stop)
        {
            let side = format!("at or {loss}");
            return wrong("stopLossLimitPrice", limit, &side, "stopLossPrice", stop);
        }
        Ok(())
    }
}

/// Compares two decimals exactly.
fn compare(one: Decimal, other: Decimal) -> Ordering {
    // Both have at most 18 digits, so both fit once they have the same scale.
    let scale = one.scale.max(other.scale);
    let scaled = |decimal: Decimal| {
        let factor = 10_i128.checked_pow(u32::from(scale - decimal.scale));
        factor.and_then(|factor| i128::from(decimal.coefficient).checked_mul(factor))
    };
    scaled(one).cmp(&scaled(other))
}

fn one_of<T: Clone>(name: &str, text: &str, table: &[(&str, T)]) -> Result<T, Failure> {
    let found = table
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(text.trim()));
    match found {
        Some((_, value)) => Ok(value.clone()),
        None => {
            let codes: Vec<&str> = table.iter().map(|(code, _)| *code).collect();
            invalid(format!(
                "{name} must be one of {}; got {text:?}",
                codes.join(", ")
            ))
        }
    }
}

fn invalid<T>(message: String) -> Result<T, Failure> {
    Err(Failure::invalid_arguments(message))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// A bracket at these prices: limit, profit, stop, and the stop's limit.
    fn bracket(action: &str, prices: [Option<&str>; 4]) -> Bracket {
        let [limit, profit, stop, stop_limit] =
            prices.map(|price| price.map(|price| price.parse::<Decimal>().unwrap()));
        Bracket {
            action: action.to_owned(),
            quantity: "10".parse().unwrap(),
            limit_price: limit,
            take_profit_price: profit.unwrap(),
            stop_loss_price: stop.unwrap(),
            stop_loss_limit_price: stop_limit,
            tif: None,
            exit_tif: None,
            outside_rth: Some(true),
            account: Some("DU1".to_owned()),
            order_ref: Some("mine".to_owned()),
        }
    }

    fn refusal(bracket: &Bracket) -> String {
        bracket.orders().unwrap_err().message
    }

    #[test]
    fn the_exits_close_what_the_entry_opens() {
        let long = bracket("buy", [Some("100"), Some("110"), Some("95"), None]);
        let [(entry, first), (profit, second), (stop, third)] = long.orders().unwrap();
        assert_eq!(
            (first, second, third),
            (Role::Entry, Role::Exit, Role::Exit)
        );
        assert_eq!(entry.action, Action::Buy);
        assert_eq!(entry.order_type, OrderType::Limit("100".parse().unwrap()));
        assert_eq!(entry.time_in_force, TimeInForce::Day);
        assert_eq!(profit.order_type, OrderType::Limit("110".parse().unwrap()));
        assert_eq!(stop.order_type, OrderType::Stop("95".parse().unwrap()));
        for exit in [profit, stop] {
            assert_eq!(exit.action, Action::Sell);
            assert_eq!(exit.quantity, entry.quantity);
            assert_eq!(exit.time_in_force, TimeInForce::GoodTillCancelled);
            assert_eq!(exit.account.as_deref(), Some("DU1"));
            assert!(exit.outside_regular_hours);
        }
    }

    #[test]
    fn a_short_bracket_is_the_mirror_image() {
        for action in ["SELL", "SSHORT"] {
            let short = bracket(action, [None, Some("90"), Some("105"), Some("105.5")]);
            let [(entry, _), (profit, _), (stop, _)] = short.orders().unwrap();
            assert_eq!(entry.order_type, OrderType::Market);
            assert_eq!(profit.action, Action::Buy);
            let prices = StopAndLimit {
                stop: "105".parse().unwrap(),
                limit: "105.5".parse().unwrap(),
            };
            assert_eq!(stop.order_type, OrderType::StopLimit(prices));
        }
    }

    #[test]
    fn prices_on_the_wrong_side_are_refused_in_words() {
        for (action, prices, words) in [
            (
                "BUY",
                [Some("100"), Some("99.5"), Some("95"), None],
                "Of a BUY bracket, takeProfitPrice must be above limitPrice; got 99.5 and 100",
            ),
            (
                "BUY",
                [Some("100"), Some("100.0"), Some("95"), None],
                "Of a BUY bracket, takeProfitPrice must be above limitPrice; got 100.0 and 100",
            ),
            (
                "BUY",
                [Some("100"), Some("110"), Some("100"), None],
                "Of a BUY bracket, stopLossPrice must be below limitPrice; got 100 and 100",
            ),
            (
                "BUY",
                [None, Some("95"), Some("110"), None],
                "Of a BUY bracket, takeProfitPrice must be above stopLossPrice; got 95 and 110",
            ),
            (
                "BUY",
                [None, Some("110"), Some("95"), Some("95.01")],
                "Of a BUY bracket, stopLossLimitPrice must be at or below stopLossPrice; got 95.01 and 95",
            ),
            (
                "SELL",
                [Some("100"), Some("110"), Some("95"), None],
                "Of a SELL bracket, takeProfitPrice must be below limitPrice; got 110 and 100",
            ),
            (
                "SSHORT",
                [None, Some("90"), Some("105"), Some("104")],
                "Of a SELL bracket, stopLossLimitPrice must be at or above stopLossPrice; got 104 and 105",
            ),
        ] {
            assert_eq!(refusal(&bracket(action, prices)), words);
        }
    }

    #[test]
    fn what_else_cannot_be_right_is_refused() {
        let good = bracket("BUY", [None, Some("110"), Some("95"), None]);
        let nothing = Bracket {
            quantity: Decimal::default(),
            ..good.clone()
        };
        assert_eq!(
            refusal(&nothing),
            "quantity must be greater than 0; got 0. To sell, use action SELL"
        );
        let hold = Bracket {
            action: "HOLD".to_owned(),
            ..good.clone()
        };
        assert_eq!(
            refusal(&hold),
            "action must be one of BUY, SELL, SSHORT; got \"HOLD\""
        );
        let fill_or_kill = Bracket {
            exit_tif: Some("FOK".to_owned()),
            ..good
        };
        assert_eq!(
            refusal(&fill_or_kill),
            "exitTif must be one of DAY, GTC; got \"FOK\""
        );
    }

    #[test]
    fn decimals_of_any_scale_compare_exactly() {
        let compare =
            |one: &str, other: &str| compare(one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(compare("100", "100.000"), Ordering::Equal);
        assert_eq!(
            compare("999999999999999999", "0.000000000000000001"),
            Ordering::Greater
        );
        assert_eq!(compare("-0.1", "0"), Ordering::Less);
        assert_eq!(compare("0.30000000000000001", "0.3"), Ordering::Greater);
    }
}
