//! What waits: trigger prices, trailing stops, start and end times, auctions.

use rust_decimal::Decimal;
use rust_decimal::dec;
use time::OffsetDateTime;

use super::Exchange;
use super::order::{Order, Status};
use super::quote::Side;
use super::terms::{Kind, TimeInForce};
use crate::number;

/// One of the two auctions of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auction {
    /// 09:30 in New York: orders with OPG trade at the market's price, or are cancelled.
    Open,
    /// 16:00 in New York: MOC and LOC orders trade at the market's price, or are cancelled,
    /// and DAY orders end.
    Close,
}

impl Order {
    /// Whether the order may be looked at: nothing holds it back but prices.
    fn is_live(&self, now: OffsetDateTime) -> bool {
        self.status.is_open()
            && !self.is_held
            && self.terms.good_after.is_none_or(|after| after <= now)
    }

    /// Whether it can trade now.
    pub(super) fn can_trade(&self, now: OffsetDateTime) -> bool {
        self.is_live(now) && !self.awaits_trigger() && (self.at_auction || !self.awaits_auction())
    }

    fn awaits_auction(&self) -> bool {
        self.terms.kind.is_on_close() || self.terms.tif == TimeInForce::Opening
    }

    fn trades_at(&self, auction: Auction) -> bool {
        match auction {
            Auction::Open => self.terms.tif == TimeInForce::Opening,
            Auction::Close => {
                self.terms.kind.is_on_close() && self.terms.tif != TimeInForce::Opening
            }
        }
    }

    /// Moves a trailing stop after the market, and says whether `last` reaches the trigger.
    fn reaches_trigger(&mut self, last: Decimal) -> bool {
        let trigger = if self.terms.kind.trails() {
            let distance = match self.terms.trailing_percent {
                Some(percent) => last * percent / dec!(100),
                None => self.terms.aux.unwrap_or_default(),
            };
            let behind = number::round_to(
                last + self.terms.side.signed(distance),
                self.instrument.min_tick,
            );
            let stop = match self.stop.or(self.terms.trail_stop) {
                None => behind,
                Some(stop) if self.terms.side == Side::Buy => stop.min(behind),
                Some(stop) => stop.max(behind),
            };
            self.stop = Some(stop);
            stop
        } else {
            self.terms.aux.unwrap_or_default()
        };
        // Stops trigger when the market moves away, touched orders when it comes near.
        let above = match self.terms.kind {
            Kind::MarketIfTouched | Kind::LimitIfTouched => self.terms.side == Side::Sell,
            _ => self.terms.side == Side::Buy,
        };
        if above {
            last >= trigger
        } else {
            last <= trigger
        }
    }
}

impl Exchange {
    /// Starts what has been waiting: a start time that has come, a price that was reached.
    pub(super) fn release(&mut self, perm_id: i64, now: OffsetDateTime) {
        let Some(order) = self
            .orders
            .get_mut(&perm_id)
            .filter(|order| order.is_live(now))
        else {
            return;
        };
        let last = self
            .market
            .quote_of(&order.instrument)
            .map(|quote| quote.last);
        if order.awaits_trigger() && last.is_some_and(|last| order.reaches_trigger(last)) {
            order.is_triggered = true;
            order.is_resting = false;
            if order.terms.kind == Kind::TrailLimit
                && let (Some(stop), Some(offset)) = (order.stop, order.terms.limit_offset)
            {
                let limit = stop + order.terms.side.signed(offset);
                order.terms.limit = Some(number::round_to(limit, order.instrument.min_tick));
            }
        }
        if order.status == Status::PreSubmitted && order.waiting_status(now) == Status::Submitted {
            order.status = Status::Submitted;
            self.report(perm_id, now);
        }
    }

    /// Ends an order whose time is over.
    pub(super) fn expire(&mut self, perm_id: i64, now: OffsetDateTime) {
        let is_over = self.orders.get(&perm_id).is_some_and(
            |order| matches!(order.terms.tif, TimeInForce::GoodTill(until) if until <= now),
        );
        if is_over {
            self.cancel_order(perm_id, now);
        }
    }

    /// Holds an auction.
    pub(crate) fn auction(&mut self, auction: Auction, now: OffsetDateTime) {
        let open: Vec<i64> = self.open_orders().map(|order| order.perm_id).collect();
        for perm_id in open {
            let Some(order) = self.orders.get_mut(&perm_id) else {
                continue;
            };
            if order.trades_at(auction) {
                order.at_auction = true;
                self.arrive(perm_id, now);
                self.cancel_order(perm_id, now);
            } else if auction == Auction::Close
                && order.terms.tif == TimeInForce::Day
                && !order.terms.outside_rth
            {
                self.cancel_order(perm_id, now);
            }
        }
    }
}
