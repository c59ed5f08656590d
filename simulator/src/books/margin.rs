//! What an account must keep, and what it can still spend. All in USD.
//!
//! The rules are simple ones: stocks 25 % (initial) and 20 % (maintenance) of the value;
//! futures 8 % and 7 %; long options their full value, short ones a fifth of the underlying
//! besides; forex 3 % of the value.

use rust_decimal::Decimal;
use rust_decimal::dec;

use super::ledger::{Ledger, Position, Trade};
use crate::exchange::instrument::{Instrument, SecType};
use crate::exchange::market::Market;

/// An account's margin figures, in USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Margin {
    pub(crate) equity_with_loan: Decimal,
    pub(crate) initial: Decimal,
    pub(crate) maintenance: Decimal,
}

impl Margin {
    /// What can be tied up by new positions.
    pub(crate) fn available(&self) -> Decimal {
        self.equity_with_loan - self.initial
    }

    /// What can be lost before positions are closed out.
    pub(crate) fn excess(&self) -> Decimal {
        self.equity_with_loan - self.maintenance
    }

    /// The value of stock that the available funds can carry.
    pub(crate) fn buying_power(&self) -> Decimal {
        (self.available() * dec!(4)).max(Decimal::ZERO)
    }
}

/// The figures of an account as it stands.
pub(crate) fn margin(ledger: &Ledger, market: &Market) -> Margin {
    let (initial, maintenance, options) = ledger
        .positions
        .iter()
        .filter_map(|(&con_id, position)| {
            let instrument = market.instrument(con_id)?;
            Some(requirement(position, instrument, market))
        })
        .fold((Decimal::ZERO, Decimal::ZERO, Decimal::ZERO), |sum, one| {
            (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)
        });
    Margin {
        // Nothing can be borrowed on an option.
        equity_with_loan: ledger.net_liquidation(market) - options,
        initial,
        maintenance,
    }
}

/// Initial margin, maintenance margin, and the value of long options.
fn requirement(
    position: &Position,
    instrument: &Instrument,
    market: &Market,
) -> (Decimal, Decimal, Decimal) {
    let mark = market.mark(instrument.con_id);
    let value = position.market_value(instrument, mark);
    let size = value.abs();
    match instrument.sec_type {
        SecType::Stock | SecType::Index => (size * dec!(0.25), size * dec!(0.20), Decimal::ZERO),
        SecType::Future => (size * dec!(0.08), size * dec!(0.07), Decimal::ZERO),
        SecType::Forex => (size * dec!(0.03), size * dec!(0.025), Decimal::ZERO),
        // Never held: its legs are.
        SecType::Combo => (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO),
        SecType::Option if value > Decimal::ZERO => (Decimal::ZERO, Decimal::ZERO, value),
        SecType::Option => {
            let underlying = instrument
                .underlying
                .map_or(Decimal::ZERO, |con_id| market.mark(con_id));
            let covered = position.quantity.abs() * instrument.multiplier * underlying;
            (covered * dec!(0.20), covered * dec!(0.20), Decimal::ZERO)
        }
    }
}

/// The figures after these trades.
pub(crate) fn margin_after(ledger: &Ledger, market: &Market, trades: &[Trade]) -> Margin {
    let mut after = ledger.clone();
    for trade in trades {
        after.book(trade);
    }
    margin(&after, market)
}
