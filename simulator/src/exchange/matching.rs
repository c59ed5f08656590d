//! Matching: which orders trade, at what price, and what follows from a fill.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::order::{Execution, Order, Status};
use super::quote::{Quote, Side};
use super::terms::{Kind, OcaEffect};
use super::{Event, Exchange};
use crate::books::ledger::Trade;
use crate::exchange::instrument::SecType;

/// What an order can trade in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Match {
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    pub(super) took_liquidity: bool,
}

impl Exchange {
    /// Moves the market by one step and lets every order see it.
    pub(crate) fn step(&mut self, now: OffsetDateTime) {
        self.market.step(now);
        self.work(now);
    }

    /// Sets a price and lets every order see it.
    pub(crate) fn set_price(&mut self, con_id: i32, price: Decimal, now: OffsetDateTime) {
        self.market.set_price(con_id, price, now);
        self.work(now);
    }

    /// Lets every open order see the market as it is.
    pub(crate) fn work(&mut self, now: OffsetDateTime) {
        let open: Vec<i64> = self.open_orders().map(|order| order.perm_id).collect();
        for perm_id in open {
            self.expire(perm_id, now);
            self.release(perm_id, now);
            self.trade(perm_id, now);
            if let Some(order) = self.orders.get_mut(&perm_id) {
                order.is_resting = true;
            }
        }
    }

    /// An order reaches the market: it trades what it can, and what is left waits or, for one
    /// that must not wait, is cancelled.
    pub(super) fn arrive(&mut self, perm_id: i64, now: OffsetDateTime) {
        self.release(perm_id, now);
        self.trade(perm_id, now);
        let Some(order) = self.orders.get_mut(&perm_id) else {
            return;
        };
        order.is_resting = true;
        if order.status.is_open() && !order.is_held && order.terms.is_immediate() {
            self.cancel_order(perm_id, now);
        }
    }

    fn trade(&mut self, perm_id: i64, now: OffsetDateTime) {
        if self.fills_paused {
            return;
        }
        let Some(order) = self
            .orders
            .get(&perm_id)
            .filter(|order| order.can_trade(now))
        else {
            return;
        };
        let Some(quote) = self.market.quote_of(&order.instrument) else {
            return;
        };
        let Some(found) = find_match(order, &quote) else {
            return;
        };
        if found.quantity.is_zero()
            || (order.terms.is_all_or_nothing() && found.quantity < order.remaining())
        {
            return;
        }
        let found = self.faults.part(order, found);
        self.fill(perm_id, found, now);
    }

    pub(super) fn fill(&mut self, perm_id: i64, found: Match, now: OffsetDateTime) {
        let number = self.executions.len() + 1;
        let Some(order) = self.orders.get_mut(&perm_id) else {
            return;
        };
        let before = order.remaining();
        let legs = self.market.leg_trades(
            &order.instrument,
            order.terms.side,
            order.filled,
            found.quantity,
        );
        order.filled += found.quantity;
        order.filled_value += found.quantity * found.price;
        order.last_price = Some(found.price);
        let value = order.filled_value * order.instrument.multiplier;
        let total = order.instrument.commission(order.filled, value);
        let commission = total - order.commission;
        order.commission = total;
        let is_filled = order.remaining().is_zero();
        order.status = if is_filled {
            Status::Filled
        } else {
            Status::Submitted
        };
        order.completed = is_filled.then_some(now);
        let whole = Execution {
            exec_id: format!("0000e0d5.{number:08x}.01.01"),
            time: now,
            account: order.account.clone(),
            instrument: order.instrument.clone(),
            client_id: order.client_id,
            order_id: order.order_id,
            perm_id,
            order_ref: order.message.order_ref.clone(),
            signed: order.terms.side.signed(found.quantity),
            price: found.price,
            cumulative: order.filled,
            average_price: order.average_price(),
            commission,
            realized: None,
            took_liquidity: found.took_liquidity,
            combo: None,
        };
        let after = order.remaining();
        let (client, order_id) = (whole.client_id, whole.order_id);
        let account = whole.account.clone();
        let mut made = self.with_legs(whole, legs, number);
        if let Some(ledger) = self.ledger_mut(&account) {
            for execution in made.iter_mut().filter(|one| one.is_booked()) {
                execution.realized = ledger.book(&execution.trade()).realized;
            }
        }
        self.verify(&account);

        for execution in &made {
            let details = execution.details(-1);
            self.events.push(Event::ToClient(client, details.into()));
        }
        self.report(perm_id, now);
        for execution in made.iter().filter(|one| one.is_booked()) {
            let commission = execution.commission_report();
            self.events.push(Event::ToClient(client, commission.into()));
            self.events.push(Event::PositionChanged {
                account: account.clone(),
                con_id: execution.instrument.con_id,
            });
        }
        self.executions.extend(made);

        self.settle_group(perm_id, before, after, now);
        if is_filled {
            for child in self.children(client, order_id) {
                self.release_child(child, now);
            }
        }
    }

    /// A fill and, if it is one of a combination, those of its legs: TWS reports the whole
    /// first, and charges commission on the legs.
    fn with_legs(&self, mut whole: Execution, legs: Vec<Trade>, number: usize) -> Vec<Execution> {
        if legs.is_empty() {
            return vec![whole];
        }
        whole.commission = Decimal::ZERO;
        let executions: Vec<Execution> = legs
            .into_iter()
            .zip(2..)
            .map(|(trade, part)| {
                let con_id = trade.instrument.con_id;
                let earlier = self
                    .executions
                    .iter()
                    .filter(|one| one.perm_id == whole.perm_id && one.instrument.con_id == con_id);
                let (mut units, mut value) = (trade.signed.abs(), trade.signed.abs() * trade.price);
                for execution in earlier {
                    units += execution.signed.abs();
                    value += execution.signed.abs() * execution.price;
                }
                Execution {
                    exec_id: format!("0000e0d5.{number:08x}.{part:02}.01"),
                    instrument: trade.instrument,
                    signed: trade.signed,
                    price: trade.price,
                    cumulative: units,
                    average_price: (value / units).round_dp(8),
                    commission: trade.commission,
                    combo: Some(whole.exec_id.clone()),
                    ..whole.clone()
                }
            })
            .collect();
        std::iter::once(whole).chain(executions).collect()
    }

    /// The books must add up after every fill; if they do not, the simulator is defective and
    /// says so to whoever looks at them.
    pub(super) fn verify(&mut self, account: &str) {
        let defect = self
            .ledger(account)
            .and_then(|ledger| ledger.check(&self.market).err());
        if let Some(defect) = defect {
            tracing::error!(%defect, "the books do not add up");
            self.defects.push(defect);
        }
    }

    /// What a fill does to the others of the order's one-cancels-all group.
    fn settle_group(&mut self, perm_id: i64, before: Decimal, after: Decimal, now: OffsetDateTime) {
        let Some(order) = self.orders.get(&perm_id) else {
            return;
        };
        let Some((group, effect)) = order.terms.oca.clone() else {
            return;
        };
        let account = order.account.clone();
        let others: Vec<i64> = self
            .open_orders()
            .filter(|other| {
                other.perm_id != perm_id
                    && other.account == account
                    && other
                        .terms
                        .oca
                        .as_ref()
                        .is_some_and(|(name, _)| *name == group)
            })
            .map(|other| other.perm_id)
            .collect();
        for other in others {
            let left = self
                .orders
                .get(&other)
                .map_or(Decimal::ZERO, |other| match effect {
                    OcaEffect::Cancel => Decimal::ZERO,
                    OcaEffect::Reduce => reduced(other, before, after),
                });
            if left.is_zero() {
                self.cancel_order(other, now);
            } else if let Some(order) = self.orders.get_mut(&other) {
                order.terms.quantity = order.filled + left;
                self.report(other, now);
            }
        }
    }

    fn release_child(&mut self, perm_id: i64, now: OffsetDateTime) {
        let Some(child) = self
            .orders
            .get_mut(&perm_id)
            .filter(|child| child.status.is_open() && child.is_held)
        else {
            return;
        };
        child.is_held = false;
        child.is_resting = false;
        child.status = child.waiting_status(now);
        self.report(perm_id, now);
        self.arrive(perm_id, now);
    }
}

/// What is left of another order when this one went from `before` to `after`: the same part,
/// in whole units.
fn reduced(other: &Order, before: Decimal, after: Decimal) -> Decimal {
    let left = other.remaining() * after / before;
    match other.instrument.sec_type {
        SecType::Forex => left.trunc_with_scale(2),
        _ => left.trunc(),
    }
}

/// What an order can trade against this quote.
fn find_match(order: &Order, quote: &Quote) -> Option<Match> {
    let terms = &order.terms;
    let side = terms.side;
    let remaining = order.remaining();
    if order.instrument.is_combo() {
        // Its legs take what their markets offer, which can be better than the limit.
        let price = quote.opposite(side);
        let acceptable = terms
            .limit
            .is_none_or(|limit| is_within(side, price, limit));
        return acceptable.then_some(Match {
            price,
            quantity: remaining.min(quote.available(side)),
            took_liquidity: true,
        });
    }
    if order.at_auction {
        let acceptable = terms
            .limit
            .is_none_or(|limit| is_within(side, quote.mark, limit));
        return acceptable.then_some(Match {
            price: quote.mark,
            quantity: remaining,
            took_liquidity: false,
        });
    }
    let quantity = remaining.min(quote.available(side));
    let take = |price| {
        Some(Match {
            price,
            quantity,
            took_liquidity: true,
        })
    };
    let wait = |price| {
        (quote.taken == Some(side)).then_some(Match {
            price,
            quantity,
            took_liquidity: false,
        })
    };
    match terms.kind {
        Kind::Market | Kind::Stop | Kind::Trail | Kind::MarketIfTouched | Kind::MarketOnClose => {
            take(quote.opposite(side))
        }
        Kind::Limit
        | Kind::StopLimit
        | Kind::TrailLimit
        | Kind::LimitIfTouched
        | Kind::LimitOnClose => {
            let limit = terms.limit?;
            if is_within(side, quote.opposite(side), limit) {
                // One that waited is the one whose price is met.
                if order.is_resting {
                    Some(Match {
                        price: limit,
                        quantity,
                        took_liquidity: false,
                    })
                } else {
                    take(quote.opposite(side))
                }
            } else if is_within(side, quote.near(side), limit) {
                wait(limit)
            } else {
                None
            }
        }
        Kind::Relative => {
            // More aggressive than the best by the offset, but never through the market.
            let offset = side.signed(terms.aux.unwrap_or_default());
            let pegged = closer(side, quote.near(side) + offset, quote.mark);
            wait(terms.limit.map_or(pegged, |cap| closer(side, pegged, cap)))
                .filter(|found| is_within(side, quote.near(side), found.price))
        }
        Kind::Midprice | Kind::PeggedToMidpoint => {
            let within = terms
                .limit
                .is_none_or(|cap| is_within(side, quote.mark, cap));
            if within { wait(quote.mark) } else { None }
        }
    }
}

/// Whether a price is one that the limit allows.
fn is_within(side: Side, price: Decimal, limit: Decimal) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

/// The less aggressive of two prices.
fn closer(side: Side, one: Decimal, other: Decimal) -> Decimal {
    match side {
        Side::Buy => one.min(other),
        Side::Sell => one.max(other),
    }
}
