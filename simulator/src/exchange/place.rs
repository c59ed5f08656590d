//! Placing, modifying, staging and previewing orders.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::instrument::Instrument;
use super::order::{Order, Status};
use super::search::Refusal;
use super::terms::{Kind, OcaEffect, Terms, TimeInForce};
use super::{Event, Exchange, estimated_commission};
use crate::books::ledger::Trade;
use crate::books::margin::{margin, margin_after};
use crate::number;
use crate::wire::proto;

/// What TWS says of a limit that is too far from the market.
const OUT_OF_BAND: &str = "Order Canceled - reason:The limit price is too far outside of the NBBO";

impl Exchange {
    /// Places an order, modifies the one with the same id, or previews it (what-if).
    ///
    /// # Errors
    ///
    /// What TWS refuses without making an order of it: the message is an error with the
    /// order's id, and no status follows.
    pub(crate) fn place(
        &mut self,
        client_id: i32,
        request: proto::PlaceOrderRequest,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let order_id = given_id(request.order_id)?;
        let message = request
            .order
            .ok_or_else(|| Refusal::validation("Please enter an order"))?;
        let instrument = self.market.resolve(request.contract.as_ref())?;
        let terms = Terms::read(&message, &instrument, now)?;
        let account = self.account(message.account.as_deref())?.account.clone();
        let exchange = request
            .contract
            .and_then(|contract| contract.exchange)
            .filter(|exchange| !exchange.is_empty())
            .unwrap_or_else(|| instrument.exchange.to_owned());
        let order = self.new_order(
            client_id, order_id, account, instrument, exchange, message, terms,
        );
        if order.message.what_if.unwrap_or_default() {
            return self.preview(order);
        }
        match self.order_id(client_id, order_id) {
            Some(perm_id) => self.modify(perm_id, order, now),
            None => self.add(order, now),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an order has this many parts")]
    pub(super) fn new_order(
        &self,
        client_id: i32,
        order_id: i32,
        account: String,
        instrument: Arc<Instrument>,
        exchange: String,
        message: proto::Order,
        terms: Terms,
    ) -> Order {
        Order {
            perm_id: self.next_perm_id,
            client_id,
            order_id,
            account,
            instrument,
            exchange,
            message,
            terms,
            status: Status::Staged,
            filled: Decimal::ZERO,
            filled_value: Decimal::ZERO,
            last_price: None,
            commission: Decimal::ZERO,
            is_held: false,
            is_triggered: false,
            at_auction: false,
            is_resting: false,
            stop: None,
            completed: None,
            reject_reason: None,
        }
    }

    fn add(&mut self, mut order: Order, now: OffsetDateTime) -> Result<(), Refusal> {
        let client_id = order.client_id;
        if let Some(parent_id) = order.terms.parent_id {
            let parent = self
                .order_id(client_id, parent_id)
                .and_then(|perm_id| self.orders.get(&perm_id))
                .ok_or_else(|| Refusal::new(10006, "Missing parent order"))?;
            if parent.completed.is_some() && parent.status != Status::Filled {
                return Err(Refusal::new(
                    201,
                    "Order rejected - reason:The parent order is no longer active",
                ));
            }
            if parent.terms.parent_id.is_some() {
                return Err(Refusal::new(
                    201,
                    "Order rejected - reason:An attached order cannot have orders attached to it",
                ));
            }
            // The children of one parent cancel each other, as TWS arranges on its own.
            let group = parent.perm_id.to_string();
            order.terms.oca.get_or_insert((group, OcaEffect::Reduce));
        }
        let (perm_id, transmit) = (order.perm_id, order.terms.transmit);
        self.next_perm_id += 1;
        self.ids.insert((client_id, order.order_id), perm_id);
        self.orders.insert(perm_id, order);
        if transmit {
            self.transmit(perm_id, now);
        } else {
            self.note_change(perm_id, now);
        }
        Ok(())
    }

    /// Sends an order on its way, with every staged one that belongs to it: its parent, the
    /// parent's other children, and its own.
    fn transmit(&mut self, perm_id: i64, now: OffsetDateTime) {
        let Some(order) = self.orders.get(&perm_id) else {
            return;
        };
        let (client_id, root) = (
            order.client_id,
            order.terms.parent_id.unwrap_or(order.order_id),
        );
        let family: Vec<i64> = self
            .orders
            .values()
            .filter(|other| {
                other.client_id == client_id
                    && other.status == Status::Staged
                    && (other.order_id == root
                        || other.terms.parent_id == Some(root)
                        || other.perm_id == perm_id)
            })
            .map(|other| other.perm_id)
            .collect();
        // A parent arrives before its children, so this is also the order to accept them in;
        // all are accepted before any can fill.
        let mut accepted = Vec::new();
        for member in family {
            if self.accept(member, now) {
                accepted.push(member);
            }
        }
        for member in accepted {
            self.arrive(member, now);
        }
    }

    /// Accepts a staged order, or rejects it for want of funds or of a parent.
    fn accept(&mut self, perm_id: i64, now: OffsetDateTime) -> bool {
        let Some(order) = self.orders.get(&perm_id) else {
            return false;
        };
        let parent = order
            .terms
            .parent_id
            .and_then(|parent_id| self.order_id(order.client_id, parent_id))
            .and_then(|parent| self.orders.get(&parent));
        let refusal = self.faults.rejection(order).or_else(|| match parent {
            Some(parent) if parent.completed.is_some() && parent.status != Status::Filled => {
                Some(Refusal::new(
                    201,
                    "Order rejected - reason:The parent order is not active",
                ))
            }
            Some(_) => None,
            None => self.check_funds(order).err(),
        });
        let is_held = parent.is_some_and(|parent| parent.status != Status::Filled);
        let Some(order) = self.orders.get_mut(&perm_id) else {
            return false;
        };
        if let Some(refusal) = refusal {
            order.status = Status::Inactive;
            order.completed = Some(now);
            order.reject_reason = Some(refusal.text.clone());
            self.report(perm_id, now);
            self.report_error(perm_id, refusal.code, refusal.text, now);
            return false;
        }
        order.is_held = is_held;
        order.status = order.waiting_status(now);
        self.report(perm_id, now);
        let is_out_of_band = self.orders.get(&perm_id).is_some_and(|order| {
            let price = self.market.quote_of(&order.instrument);
            price.is_some_and(|quote| self.faults.is_out_of_band(order, quote.mark))
        });
        if is_out_of_band {
            self.cancel_because(perm_id, OUT_OF_BAND, now);
        }
        !is_out_of_band
    }

    fn modify(&mut self, perm_id: i64, new: Order, now: OffsetDateTime) -> Result<(), Refusal> {
        let Some(old) = self.orders.get(&perm_id) else {
            return Err(Refusal::new(103, "Duplicate order id"));
        };
        match old.status {
            Status::Filled => return Err(Refusal::new(104, "Cannot modify a filled order.")),
            Status::Cancelled | Status::Inactive => {
                return Err(Refusal::new(103, "Duplicate order id"));
            }
            Status::Staged | Status::PreSubmitted | Status::Submitted => {}
        }
        let same = old.instrument.con_id == new.instrument.con_id
            && old.instrument.legs == new.instrument.legs
            && old.terms.side == new.terms.side
            && old.account == new.account
            && old.terms.parent_id == new.terms.parent_id;
        if !same {
            return Err(Refusal::new(
                105,
                "Order being modified does not match original order.",
            ));
        }
        if new.terms.quantity <= old.filled {
            return Err(Refusal::new(
                201,
                "Order rejected - reason:The new quantity is not above what has been filled",
            ));
        }
        let is_staged = old.status == Status::Staged;
        if !is_staged {
            if !new.terms.transmit {
                // A change that is not transmitted changes nothing at the exchange.
                return Ok(());
            }
            if old.terms.parent_id.is_none() {
                let remaining = Order {
                    filled: old.filled,
                    ..new.clone()
                };
                self.check_funds(&remaining)?;
            }
        }
        let Some(order) = self.orders.get_mut(&perm_id) else {
            return Ok(());
        };
        let retriggers = (
            order.terms.kind,
            order.terms.aux,
            order.terms.trailing_percent,
        ) != (new.terms.kind, new.terms.aux, new.terms.trailing_percent);
        if retriggers {
            order.is_triggered = false;
            order.stop = None;
        }
        let group = order.terms.oca.take();
        order.terms = new.terms;
        if order.terms.oca.is_none() {
            order.terms.oca = group;
        }
        order.message = new.message;
        order.exchange = new.exchange;
        order.is_resting = false;
        if is_staged {
            if order.terms.transmit {
                self.transmit(perm_id, now);
            }
        } else {
            order.status = order.waiting_status(now);
            self.report(perm_id, now);
            self.arrive(perm_id, now);
        }
        Ok(())
    }

    /// Whether the account can carry what is left of an order. An order that needs no more
    /// margin than is already tied up is always accepted.
    fn check_funds(&self, order: &Order) -> Result<(), Refusal> {
        let Some(ledger) = self.ledger(&order.account) else {
            return Ok(());
        };
        let before = margin(ledger, &self.market);
        let trades = self.estimate(order);
        let commission: Decimal = trades.iter().map(|trade| trade.commission).sum();
        let after = margin_after(ledger, &self.market, &trades);
        if after.available().is_sign_negative()
            && after.available() < before.available() - commission
        {
            return Err(Refusal::new(
                201,
                format!(
                    "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE [{} USD] MUST EXCEED THE INITIAL MARGIN [{} USD]",
                    after.equity_with_loan.round_dp(2),
                    after.initial.round_dp(2),
                ),
            ));
        }
        Ok(())
    }

    /// The trades that what is left of an order would be: those of a combination in its legs,
    /// at their prices now.
    fn estimate(&self, order: &Order) -> Vec<Trade> {
        let terms = &order.terms;
        if order.instrument.is_combo() {
            return self.market.leg_trades(
                &order.instrument,
                terms.side,
                order.filled,
                order.remaining(),
            );
        }
        let market = self
            .market
            .quote(order.instrument.con_id)
            .map_or(Decimal::ZERO, |quote| quote.opposite(terms.side));
        let price = match terms.kind {
            Kind::Stop => terms.aux.unwrap_or(market),
            _ => terms.limit.unwrap_or(market),
        };
        let commission = estimated_commission(&order.instrument, order.remaining(), price);
        vec![Trade {
            instrument: Arc::clone(&order.instrument),
            signed: terms.side.signed(order.remaining()),
            price,
            commission,
        }]
    }

    /// Answers a what-if order: the margins before and after, and the commission.
    fn preview(&mut self, order: Order) -> Result<(), Refusal> {
        let ledger = self.account(Some(&order.account))?;
        let trades = self.estimate(&order);
        let commission: Decimal = trades.iter().map(|trade| trade.commission).sum();
        let before = margin(ledger, &self.market);
        let after = margin_after(ledger, &self.market, &trades);
        self.check_funds(&order)?;
        let double = |value: Decimal| Some(number::to_double(value.round_dp(2)));
        let mut answer = order.open_order();
        answer.order_state = Some(proto::OrderState {
            status: Some(Status::PreSubmitted.to_string()),
            init_margin_before: double(before.initial),
            maint_margin_before: double(before.maintenance),
            equity_with_loan_before: double(before.equity_with_loan),
            init_margin_change: double(after.initial - before.initial),
            maint_margin_change: double(after.maintenance - before.maintenance),
            equity_with_loan_change: double(after.equity_with_loan - before.equity_with_loan),
            init_margin_after: double(after.initial),
            maint_margin_after: double(after.maintenance),
            equity_with_loan_after: double(after.equity_with_loan),
            commission_and_fees: Some(number::to_double(commission)),
            min_commission_and_fees: Some(number::to_double(commission)),
            max_commission_and_fees: Some(number::to_double(commission)),
            margin_currency: Some(String::from("USD")),
            ..proto::OrderState::default()
        });
        self.events
            .push(Event::ToClient(order.client_id, answer.into()));
        Ok(())
    }
}

impl Order {
    /// The status of an order that has just been accepted or changed.
    pub(super) fn waiting_status(&self, now: OffsetDateTime) -> Status {
        let waits = self.is_held
            || self.awaits_trigger()
            || self.terms.kind.is_on_close()
            || self.terms.tif == TimeInForce::Opening
            || self.terms.good_after.is_some_and(|after| after > now)
            // TWS reports a market order before it is routed.
            || (self.terms.kind == Kind::Market && self.filled.is_zero());
        if waits {
            Status::PreSubmitted
        } else {
            Status::Submitted
        }
    }
}

/// The id that a client gave its order.
///
/// # Errors
///
/// There is none, or it is not a positive number.
pub(super) fn given_id(id: Option<i32>) -> Result<i32, Refusal> {
    id.filter(|&id| id > 0)
        .ok_or_else(|| Refusal::validation("Invalid order id"))
}
