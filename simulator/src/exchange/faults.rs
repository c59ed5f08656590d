//! What goes wrong with orders at the exchange, on purpose.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Exchange;
use super::matching::Match;
use super::order::Order;
use super::quote::Side;
use super::search::Refusal;
use crate::chaos::order_events::take;

/// What is done to the orders to come. The counts say to how many.
#[derive(Debug, Default)]
pub(crate) struct OrderFaults {
    /// Fills that are no larger than this.
    pub(crate) partial: (u32, Decimal),
    /// New orders that are rejected.
    pub(crate) reject: Option<(u32, Refusal)>,
    /// How far beyond the price a limit may be, in percent.
    pub(crate) band: Option<Decimal>,
    /// Cancels that come in the instant of a fill, of this quantity or all.
    pub(crate) fill_on_cancel: (u32, Option<Decimal>),
    /// What was done, in words, since it was last asked.
    pub(crate) effects: Vec<String>,
}

impl OrderFaults {
    /// The rejection of a new order.
    pub(super) fn rejection(&mut self, order: &Order) -> Option<Refusal> {
        let (next, refusal) = self.reject.as_mut()?;
        if !take(next) {
            return None;
        }
        self.effects.push(format!("rejected: {}", name(order)));
        Some(refusal.clone())
    }

    /// What is left of a fill.
    pub(super) fn part(&mut self, order: &Order, found: Match) -> Match {
        let (next, most) = &mut self.partial;
        if found.quantity <= *most
            || !most.is_sign_positive()
            || most.is_zero()
            || order.terms.is_all_or_nothing()
            || !take(next)
        {
            return found;
        }
        self.effects
            .push(format!("filled in part, {most}: {}", name(order)));
        Match {
            quantity: *most,
            ..found
        }
    }

    /// Whether a limit is outside of the band around a price.
    pub(super) fn is_out_of_band(&mut self, order: &Order, price: Decimal) -> bool {
        let (Some(percent), Some(limit)) = (self.band, order.terms.limit) else {
            return false;
        };
        let reach = price.abs() * percent / Decimal::ONE_HUNDRED;
        let is_out = match order.terms.side {
            Side::Buy => limit > price + reach,
            Side::Sell => limit < price - reach,
        };
        if is_out {
            self.effects
                .push(format!("outside of the price band: {}", name(order)));
        }
        is_out
    }
}

fn name(order: &Order) -> String {
    format!("order {} of client {}", order.order_id, order.client_id)
}

impl Exchange {
    /// Lets an order fill in the instant in which it is to be cancelled, if that is wanted.
    pub(super) fn fill_on_cancel(&mut self, perm_id: i64, now: OffsetDateTime) {
        let Some(order) = self
            .orders
            .get(&perm_id)
            .filter(|order| order.status.is_open() && !order.is_held)
        else {
            return;
        };
        let Some(quote) = self.market.quote_of(&order.instrument) else {
            return;
        };
        let (next, quantity) = &mut self.faults.fill_on_cancel;
        if !take(next) {
            return;
        }
        let quantity = quantity
            .filter(|quantity| quantity.is_sign_positive() && !quantity.is_zero())
            .unwrap_or(order.remaining())
            .min(order.remaining());
        let found = Match {
            price: order
                .terms
                .limit
                .unwrap_or_else(|| quote.opposite(order.terms.side)),
            quantity,
            took_liquidity: false,
        };
        let effect = format!("filled while it was cancelled: {}", name(order));
        self.faults.effects.push(effect);
        self.fill(perm_id, found, now);
    }
}
