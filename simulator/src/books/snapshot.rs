//! The books at one moment, to look at and to verify.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use time::OffsetDateTime;

/// Everything the simulator knows about money and orders, at one moment.
///
/// [`Books::check`] proves that it adds up.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Books {
    /// One for each account, in the order of the managed-accounts message.
    pub accounts: Vec<AccountBooks>,
    /// Every fill since the start, oldest first.
    pub executions: Vec<ExecutionRecord>,
    /// Every order since the start, in the order they came, staged and finished ones included.
    pub orders: Vec<OrderRecord>,
    /// What the check after every fill found wrong; empty unless the simulator has a defect.
    pub defects: Vec<String>,
}

/// One account. Amounts are in USD unless a currency is named.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountBooks {
    /// The account's id.
    pub account: String,
    /// Cash by currency, in that currency.
    pub cash: BTreeMap<String, Decimal>,
    /// Cash in all currencies.
    pub total_cash: Decimal,
    /// One for each instrument ever held, closed positions included.
    pub positions: Vec<PositionRecord>,
    /// Gains realized since the start, after commissions.
    pub realized: Decimal,
    /// Gains not yet realized. Costs include commissions.
    pub unrealized: Decimal,
    /// Commissions paid since the start.
    pub commissions: Decimal,
    /// Cash and what the positions add to it.
    pub net_liquidation: Decimal,
    /// Net liquidation at the start.
    pub start_net_liquidation: Decimal,
    /// Unrealized gains at the start.
    pub start_unrealized: Decimal,
    /// Cash at the start, by currency.
    pub start_cash: BTreeMap<String, Decimal>,
}

/// What an account holds of one instrument. Amounts are in USD.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PositionRecord {
    /// The contract id.
    pub con_id: i32,
    /// The local symbol: for a stock its symbol.
    pub local_symbol: String,
    /// TWS's security type: `STK`, `OPT`, `FUT`, `CASH`.
    pub sec_type: String,
    /// Units held, negative when short.
    pub quantity: Decimal,
    /// Units held at the start.
    pub start_quantity: Decimal,
    /// What those cost.
    pub start_cost: Decimal,
    /// Cost of one unit, with multiplier and commissions.
    pub average_cost: Decimal,
    /// Price of one unit.
    pub market_price: Decimal,
    /// Value of the position; for a future its notional value.
    pub market_value: Decimal,
    /// What the position adds to net liquidation beside cash: its value, for a future its
    /// gain, for forex nothing because it is cash.
    pub contribution: Decimal,
    /// Gain not yet realized.
    pub unrealized: Decimal,
    /// Gain realized since the start.
    pub realized: Decimal,
}

/// One fill.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExecutionRecord {
    /// TWS's id of the execution.
    pub execution_id: String,
    /// The account.
    pub account: String,
    /// The contract id.
    pub con_id: i32,
    /// The local symbol.
    pub local_symbol: String,
    /// TWS's security type.
    pub sec_type: String,
    /// Units of the underlying in one contract.
    pub multiplier: Decimal,
    /// The client that placed the order.
    pub client_id: i32,
    /// The order's id.
    pub order_id: i32,
    /// Units, negative when sold.
    pub quantity: Decimal,
    /// Price of one unit, in USD.
    pub price: Decimal,
    /// Commission in USD.
    pub commission: Decimal,
    /// The gain realized, after commissions, in USD; `None` when the fill only opened.
    pub realized: Option<Decimal>,
    /// The id of the execution that this one belongs to: of the combination (`BAG`) that it is
    /// a leg of, or of the options for which it was delivered.
    pub combo: Option<String>,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrderRecord {
    /// The client that placed it.
    pub client_id: i32,
    /// The order's id.
    pub order_id: i32,
    /// The account.
    pub account: String,
    /// The local symbol.
    pub local_symbol: String,
    /// `BUY` or `SELL`.
    pub action: String,
    /// TWS's order type: `MKT`, `LMT`, …
    pub order_type: String,
    /// Units ordered.
    pub total_quantity: Decimal,
    /// Units filled.
    pub filled: Decimal,
    /// TWS's order status; `Staged` for one that waits for `transmit`, which TWS does not
    /// report at all.
    pub status: String,
    /// The limit, in the instrument's currency.
    pub limit_price: Option<Decimal>,
    /// TWS's auxiliary price, in the instrument's currency: of a stop its trigger, of a trailing
    /// one its distance from the market.
    pub aux_price: Option<Decimal>,
    /// The order this one is attached to.
    pub parent_id: Option<i32>,
    /// The one-cancels-all group: the client's, or the one that TWS makes of the children of one
    /// parent.
    pub oca_group: Option<String>,
    /// The client's own text.
    pub order_ref: Option<String>,
    /// TWS's permanent id, unique over all clients.
    pub perm_id: i64,
}

/// How an order stood after something had changed about it: it came, it was changed, a part of
/// it was filled, or it ended. Staged orders are among them; what was refused without becoming an
/// order is not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrderChange {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The order, as it stood then.
    pub order: OrderRecord,
    /// The middle of bid and ask then, in the instrument's currency.
    pub price: Option<Decimal>,
}

impl Books {
    /// The account with this id.
    pub fn account(&self, account: &str) -> Option<&AccountBooks> {
        self.accounts.iter().find(|books| books.account == account)
    }

    /// Verifies that the books add up, from the executions alone:
    ///
    /// - the quantity of every position is the starting one and what was traded;
    /// - cash is the starting cash less what was traded and the commissions;
    /// - cash and positions are the net liquidation value;
    /// - its change is what was realized and what is unrealized;
    /// - orders have filled what was executed for them;
    /// - a combination traded at what its legs add up to. It changes neither cash nor positions:
    ///   its legs do.
    ///
    /// # Errors
    ///
    /// The first identity that does not hold, with both sides.
    pub fn check(&self) -> Result<(), String> {
        if let Some(defect) = self.defects.first() {
            return Err(defect.clone());
        }
        for account in &self.accounts {
            account.check(&self.executions)?;
        }
        self.check_combos()?;
        for order in &self.orders {
            let executed: Decimal = self
                .executions
                .iter()
                .filter(|execution| {
                    (execution.client_id, execution.order_id) == (order.client_id, order.order_id)
                        && execution.combo.is_none()
                })
                .map(|execution| execution.quantity.abs())
                .sum();
            let name = format!(
                "order {} of client {}: filled",
                order.order_id, order.client_id
            );
            equal(&name, order.filled, executed)?;
            if order.filled > order.total_quantity {
                return Err(format!(
                    "{name} {} of {}",
                    order.filled, order.total_quantity
                ));
            }
        }
        Ok(())
    }

    fn check_combos(&self) -> Result<(), String> {
        for combo in self.executions.iter().filter(|one| one.sec_type == "BAG") {
            let legs: Decimal = self
                .executions
                .iter()
                .filter(|leg| leg.combo.as_ref() == Some(&combo.execution_id))
                .map(ExecutionRecord::value)
                .sum();
            let name = format!("combination {}: value", combo.execution_id);
            equal(&name, combo.value(), legs)?;
        }
        Ok(())
    }
}

impl ExecutionRecord {
    /// What was paid, in USD; negative when sold.
    fn value(&self) -> Decimal {
        self.quantity * self.price * self.multiplier
    }
}

impl AccountBooks {
    /// The position in the instrument with this local symbol.
    pub fn position(&self, local_symbol: &str) -> Option<&PositionRecord> {
        self.positions
            .iter()
            .find(|position| position.local_symbol == local_symbol)
    }

    fn check(&self, executions: &[ExecutionRecord]) -> Result<(), String> {
        let account = &self.account;
        let mine = || {
            executions
                .iter()
                .filter(|execution| execution.account == *account && execution.sec_type != "BAG")
        };
        let commissions: Decimal = mine().map(|execution| execution.commission).sum();
        equal(
            &format!("{account}: commissions"),
            self.commissions,
            commissions,
        )?;

        let mut cash = self.start_cash.clone();
        for execution in mine() {
            let usd = cash.entry(String::from("USD")).or_default();
            *usd -= execution.commission;
            if execution.sec_type != "FUT" {
                *usd -= execution.value();
            }
            if execution.sec_type == "CASH" {
                let base = execution.local_symbol.split('.').next().unwrap_or_default();
                *cash.entry(base.to_owned()).or_default() += execution.quantity;
            }
        }
        for position in &self.positions {
            let traded = || mine().filter(|execution| execution.con_id == position.con_id);
            let quantity: Decimal = traded().map(|execution| execution.quantity).sum();
            let name = format!("{account}: position in {}", position.local_symbol);
            equal(&name, position.quantity, position.start_quantity + quantity)?;
            if position.sec_type == "FUT" {
                // Only what closed units gained is in cash; what open ones cost is not.
                let traded: Decimal = traded().map(ExecutionRecord::value).sum();
                let open = position.market_value - position.contribution;
                *cash.entry(String::from("USD")).or_default() +=
                    open - position.start_cost - traded;
            }
        }
        for (currency, amount) in &cash {
            let name = format!("{account}: cash in {currency}");
            equal(
                &name,
                self.cash.get(currency).copied().unwrap_or_default(),
                *amount,
            )?;
        }

        let positions: Decimal = self
            .positions
            .iter()
            .map(|position| position.contribution)
            .sum();
        equal(
            &format!("{account}: cash and positions against net liquidation"),
            self.total_cash + positions,
            self.net_liquidation,
        )?;
        let realized: Decimal = self
            .positions
            .iter()
            .map(|position| position.realized)
            .sum();
        equal(&format!("{account}: realized"), self.realized, realized)?;
        let executed: Decimal = mine().filter_map(|execution| execution.realized).sum();
        equal(
            &format!("{account}: realized by executions"),
            self.realized,
            executed,
        )?;
        equal(
            &format!("{account}: realized and unrealized against the change in net liquidation"),
            self.realized + self.unrealized - self.start_unrealized,
            self.net_liquidation - self.start_net_liquidation,
        )
    }
}

fn equal(what: &str, one: Decimal, other: Decimal) -> Result<(), String> {
    if one == other {
        Ok(())
    } else {
        Err(format!("{what}: {one} is not {other}"))
    }
}
