//! One account's ledger: cash and positions, changed by fills alone.
//!
//! Costs are carried as totals, never as averages, so that nothing is lost to rounding:
//! what a partial close takes out of a total is what it leaves less.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::exchange::instrument::{Instrument, SecType};
use crate::exchange::market::Market;

/// The currency accounts are kept in.
pub(crate) const BASE: &str = "USD";

/// What an account holds of one instrument.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Position {
    /// Negative when short.
    pub(crate) quantity: Decimal,
    /// What was paid for it with commissions, in USD; negative when short.
    pub(crate) cost: Decimal,
    /// The same without commissions.
    pub(crate) paid: Decimal,
    /// Gains realized since the start, after commissions, in USD.
    pub(crate) realized: Decimal,
    /// What was unrealized at the start.
    pub(crate) start_unrealized: Decimal,
    /// Whether a fill has realized anything.
    pub(crate) closed_some: bool,
}

impl Position {
    /// The market value in USD; for a future its notional value.
    pub(crate) fn market_value(&self, instrument: &Instrument, mark: Decimal) -> Decimal {
        self.quantity * mark * instrument.multiplier
    }

    /// The gain not yet realized, in USD.
    pub(crate) fn unrealized(&self, instrument: &Instrument, mark: Decimal) -> Decimal {
        self.market_value(instrument, mark) - self.cost
    }

    /// What the position adds to net liquidation beside the account's cash: the market value
    /// for what was paid in full, the gain for a future, nothing for forex (it is cash) and for
    /// combinations (only their legs are held).
    pub(crate) fn contribution(&self, instrument: &Instrument, mark: Decimal) -> Decimal {
        match instrument.sec_type {
            SecType::Forex | SecType::Combo => Decimal::ZERO,
            SecType::Future => self.market_value(instrument, mark) - self.paid,
            SecType::Stock | SecType::Option | SecType::Index => {
                self.market_value(instrument, mark)
            }
        }
    }

    /// Cost of one unit, with the multiplier and commissions, as TWS reports it.
    pub(crate) fn average_cost(&self) -> Decimal {
        if self.quantity.is_zero() {
            Decimal::ZERO
        } else {
            (self.cost / self.quantity).round_dp(8)
        }
    }
}

/// One account.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) account: String,
    /// By currency.
    pub(crate) cash: BTreeMap<String, Decimal>,
    /// By contract id. A position that was closed stays, with a quantity of zero.
    pub(crate) positions: BTreeMap<i32, Position>,
    /// Commissions since the start, in USD.
    pub(crate) commissions: Decimal,
    pub(crate) start: Start,
}

/// What an account had at the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Start {
    pub(crate) cash: BTreeMap<String, Decimal>,
    /// Quantity and cost by contract id.
    pub(crate) positions: BTreeMap<i32, (Decimal, Decimal)>,
    pub(crate) net_liquidation: Decimal,
    pub(crate) unrealized: Decimal,
}

/// A trade, made or supposed.
#[derive(Debug, Clone)]
pub(crate) struct Trade {
    pub(crate) instrument: Arc<Instrument>,
    /// Units, negative when sold.
    pub(crate) signed: Decimal,
    pub(crate) price: Decimal,
    /// In USD.
    pub(crate) commission: Decimal,
}

/// What a fill did to the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Booked {
    /// The gain realized, after commissions, in USD; `None` when the fill only opened.
    pub(crate) realized: Option<Decimal>,
}

impl Ledger {
    /// An account at its start. `positions` gives a quantity and a total cost for each.
    pub(crate) fn open(
        account: String,
        mut cash: BTreeMap<String, Decimal>,
        positions: BTreeMap<i32, (Decimal, Decimal)>,
        market: &Market,
    ) -> Self {
        cash.entry(BASE.to_owned()).or_default();
        let mut ledger = Self {
            account,
            cash,
            positions: BTreeMap::new(),
            commissions: Decimal::ZERO,
            start: Start::default(),
        };
        for (con_id, (quantity, cost)) in positions {
            let position = Position {
                quantity,
                cost,
                paid: cost,
                ..Position::default()
            };
            ledger.positions.insert(con_id, position);
        }
        // Foreign cash is a position too: its value moves with its rate.
        for (currency, &quantity) in ledger.cash.iter().filter(|(currency, _)| *currency != BASE) {
            if let Some(pair) = pair(market, currency) {
                let cost = quantity * market.mark(pair);
                ledger.positions.insert(
                    pair,
                    Position {
                        quantity,
                        cost,
                        paid: cost,
                        ..Position::default()
                    },
                );
            }
        }
        for (con_id, position) in &mut ledger.positions {
            if let Some(instrument) = market.instrument(*con_id) {
                position.start_unrealized = position.unrealized(instrument, market.mark(*con_id));
            }
        }
        ledger.start = Start {
            cash: ledger.cash.clone(),
            positions: ledger
                .positions
                .iter()
                .map(|(&con_id, position)| (con_id, (position.quantity, position.cost)))
                .collect(),
            net_liquidation: ledger.net_liquidation(market),
            unrealized: ledger.unrealized(market),
        };
        ledger
    }

    /// Books a fill.
    pub(crate) fn book(&mut self, trade: &Trade) -> Booked {
        let Trade {
            instrument,
            signed,
            price,
            commission,
        } = trade;
        let (signed, price, commission) = (*signed, *price, *commission);
        let position = self.positions.entry(instrument.con_id).or_default();
        let held = position.quantity;
        let closes = if held.is_sign_negative() == signed.is_sign_negative() || held.is_zero() {
            Decimal::ZERO
        } else {
            signed.abs().min(held.abs())
        };
        let opens = signed.abs() - closes;
        let sign = if signed.is_sign_negative() {
            -Decimal::ONE
        } else {
            Decimal::ONE
        };
        let unit = price * instrument.multiplier;
        let closing_commission = share(commission, closes, signed.abs());

        let removed_cost = share(position.cost, closes, held.abs());
        let removed_paid = share(position.paid, closes, held.abs());
        let realized = -(sign * closes * unit) - removed_cost - closing_commission;
        position.cost += sign * opens * unit + (commission - closing_commission) - removed_cost;
        position.paid += sign * opens * unit - removed_paid;
        position.quantity += signed;
        self.commissions += commission;

        let usd = self.cash.entry(BASE.to_owned()).or_default();
        if instrument.is_margined() {
            // Nothing is paid for a future but what it gained when it is closed.
            *usd += -(sign * closes * unit) - removed_paid - commission;
        } else {
            *usd -= signed * unit + commission;
        }
        if instrument.sec_type == SecType::Forex {
            *self.cash.entry(instrument.symbol.clone()).or_default() += signed;
        }
        let realized = (!closes.is_zero()).then_some(realized);
        if let Some(gain) = realized {
            position.realized += gain;
            position.closed_some = true;
        }
        Booked { realized }
    }

    /// Cash in all currencies, in USD.
    pub(crate) fn total_cash(&self, market: &Market) -> Decimal {
        self.cash
            .iter()
            .map(|(currency, amount)| amount * rate(market, currency))
            .sum()
    }

    /// Cash and what the positions add to it, in USD.
    pub(crate) fn net_liquidation(&self, market: &Market) -> Decimal {
        self.total_cash(market) + self.sum(market, Position::contribution)
    }

    /// Gains not yet realized, in USD.
    pub(crate) fn unrealized(&self, market: &Market) -> Decimal {
        self.sum(market, Position::unrealized)
    }

    /// Gains realized since the start, in USD.
    pub(crate) fn realized(&self) -> Decimal {
        self.positions
            .values()
            .map(|position| position.realized)
            .sum()
    }

    /// The gain since the start, in USD.
    pub(crate) fn daily(&self, market: &Market) -> Decimal {
        self.net_liquidation(market) - self.start.net_liquidation
    }

    /// Adds up something of every position.
    pub(crate) fn sum(
        &self,
        market: &Market,
        of: impl Fn(&Position, &Instrument, Decimal) -> Decimal,
    ) -> Decimal {
        self.positions
            .iter()
            .filter_map(|(&con_id, position)| {
                let instrument = market.instrument(con_id)?;
                Some(of(position, instrument, market.mark(con_id)))
            })
            .sum()
    }

    /// Whether the change since the start is what was realized and what is unrealized.
    pub(crate) fn check(&self, market: &Market) -> Result<(), String> {
        let change = self.daily(market);
        let gains = self.realized() + self.unrealized(market) - self.start.unrealized;
        if change == gains {
            Ok(())
        } else {
            Err(format!(
                "{}: net liquidation changed by {change}, gains add up to {gains}",
                self.account
            ))
        }
    }
}

/// `part / whole` of a total, rounded where it does not divide.
fn share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal {
    if part == whole {
        total
    } else if part.is_zero() || whole.is_zero() {
        Decimal::ZERO
    } else {
        (total * part / whole).round_dp(8)
    }
}

/// The forex pair that prices a currency in USD.
pub(crate) fn pair(market: &Market, currency: &str) -> Option<i32> {
    market
        .instruments()
        .find(|instrument| instrument.sec_type == SecType::Forex && instrument.symbol == currency)
        .map(|instrument| instrument.con_id)
}

/// What one unit of a currency is worth in USD.
pub(crate) fn rate(market: &Market, currency: &str) -> Decimal {
    if currency == BASE {
        Decimal::ONE
    } else {
        pair(market, currency).map_or(Decimal::ZERO, |con_id| market.mark(con_id))
    }
}
