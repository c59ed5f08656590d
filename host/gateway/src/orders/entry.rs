//! One order of this client, as far as TWS has spoken of it.

use ibapi::orders as ib;
use rust_decimal::Decimal;
use time_tz::Tz;

use super::recovery::Ids;
use crate::codes::OrderMessage;
use crate::convert::{self, decimal, text};
use crate::journal::{About, OrderKey, StateRecord};
use crate::model::{
    Contract, Execution, Order, OrderState, OrderStatus, OrderType, PlacedOrder, SecurityType,
    TwsMessage,
};

/// How many different warnings of one order are kept.
const KEPT_WARNINGS: usize = 20;

/// What is said with an order that TWS has not spoken of.
const UNCERTAIN: &str = "It was sent, and TWS has not said what became of it: it is uncertain, and \
                         is looked up as soon as TWS can be asked. Do not send it again.";

/// What TWS had against an order.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) message: TwsMessage,
    /// Whether the code alone says that it is a refusal.
    pub(super) certain: bool,
}

/// One order of this client.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) contract: Contract,
    pub(super) order: Order,
    pub(super) state: OrderState,
    /// Contract and order before the change that is under way.
    before: Option<(Contract, Order, OrderStatus)>,
    /// Whether TWS has said a word since the latest request.
    pub(super) heard: bool,
    /// Whether the connection broke before TWS had said a word.
    pub(super) lost: bool,
    pub(super) refusal: Option<Refusal>,
    /// What TWS said about the cancel that is under way.
    pub(super) cancel_answer: Option<(OrderMessage, TwsMessage)>,
    /// Its name in the journal, once it has one.
    pub(super) key: Option<OrderKey>,
    /// The state that the journal has of it.
    recorded: Option<StateRecord>,
}

impl Entry {
    /// An order that is about to be sent.
    pub(super) fn new(order_id: i32, client_id: i32, contract: Contract, order: Order) -> Self {
        let status = if order.transmit {
            OrderStatus::ApiPending
        } else {
            OrderStatus::Staged
        };
        let state = OrderState {
            order_id,
            perm_id: None,
            client_id,
            status,
            filled: Decimal::ZERO,
            remaining: order.quantity,
            average_fill_price: None,
            last_fill_price: None,
            why_held: None,
            warnings: Vec::new(),
        };
        Self {
            recorded: Some(StateRecord::from(&state)),
            contract,
            order,
            state,
            before: None,
            heard: false,
            lost: false,
            refusal: None,
            cancel_answer: None,
            key: None,
        }
    }

    /// An order that TWS tells of.
    pub(super) fn told(placed: PlacedOrder) -> Self {
        let state = placed.state;
        Self {
            heard: true,
            state: state.clone(),
            ..Self::new(
                state.order_id,
                state.client_id,
                placed.contract,
                placed.order,
            )
        }
    }

    /// An order that the journal tells of, after a start.
    pub(super) fn recalled(placed: PlacedOrder, key: OrderKey, heard: bool) -> Self {
        Self {
            key: Some(key),
            recorded: Some(StateRecord::from(&placed.state)),
            heard,
            lost: !heard,
            ..Self::told(placed)
        }
    }

    /// The connection is gone: what TWS has not answered, it will not. Of an
    /// order that it holds until it is transmitted, it has nothing to say.
    pub(super) fn lose(&mut self) {
        if !self.heard && self.state.status != OrderStatus::Staged {
            self.lost = true;
        }
    }

    /// What rows about it are about.
    pub(super) fn about(&self) -> About {
        let state = &self.state;
        About {
            order: self.key.clone(),
            request: None,
            gateway: None,
            account: self.order.account.clone(),
            client_id: Some(state.client_id),
            order_id: (state.order_id > 0).then_some(state.order_id),
            perm_id: state.perm_id,
        }
    }

    /// What to find its name in the journal by, if it has none here.
    pub(super) fn unnamed(&self) -> Option<Ids> {
        self.key.is_none().then(|| Ids::of(&self.state, None))
    }

    /// Its state, if the journal does not have it yet. From then on it is taken
    /// to have it.
    pub(super) fn news(&mut self) -> Option<StateRecord> {
        self.key.as_ref()?;
        let state = StateRecord::from(&self.state);
        if self.recorded.as_ref() == Some(&state) {
            return None;
        }
        self.recorded = Some(state.clone());
        Some(state)
    }

    /// The journal has the state that the order has now.
    pub(super) fn is_recorded(&mut self) {
        self.recorded = Some(StateRecord::from(&self.state));
    }

    /// A change is about to be sent.
    pub(super) fn change(&mut self, contract: Contract, order: Order) {
        let status = self.state.status.clone();
        if status == OrderStatus::Staged && order.transmit {
            self.state.status = OrderStatus::ApiPending;
        }
        self.state.remaining = (order.quantity - self.state.filled).max(Decimal::ZERO);
        let contract = std::mem::replace(&mut self.contract, contract);
        let order = std::mem::replace(&mut self.order, order);
        self.before = Some((contract, order, status));
        self.listen();
    }

    /// The change was refused, or never sent: the order is what it was.
    pub(super) fn change_back(&mut self) {
        if let Some((contract, order, status)) = self.before.take() {
            if self.state.status == OrderStatus::ApiPending {
                self.state.status = status;
            }
            self.state.remaining = (order.quantity - self.state.filled).max(Decimal::ZERO);
            self.contract = contract;
            self.order = order;
        }
        self.refusal = None;
    }

    /// Forgets what TWS said so far, to hear what it says now.
    pub(super) fn listen(&mut self) {
        self.heard = false;
        self.lost = false;
        self.refusal = None;
        self.cancel_answer = None;
    }

    /// TWS sent the order itself.
    pub(super) fn on_open_order(&mut self, data: &ib::OrderData, zone: Option<&Tz>) {
        self.heard = true;
        let transmit = self.order.transmit;
        self.contract = convert::contract::from_tws(&data.contract);
        let mut order = convert::order::from_tws(&data.order, zone);
        take_key(&mut order.reference);
        self.order = Order {
            // TWS's own word on it is true unless it says otherwise.
            transmit,
            ..order
        };
        if data.order.perm_id != 0 {
            self.state.perm_id = Some(data.order.perm_id);
        }
        // The order status is the authority. Before the first one, this is
        // all there is; a fill is not believed without its quantity.
        let status = convert::order::status(&data.order_state.status);
        if self.state.status == OrderStatus::ApiPending && status != OrderStatus::Filled {
            self.state.status = status;
        }
        for warning in [
            &data.order_state.warning_text,
            &data.order_state.reject_reason,
        ] {
            self.warn(warning);
        }
    }

    /// TWS sent the order's status.
    pub(super) fn on_status(&mut self, status: &ib::OrderStatus) {
        self.heard = true;
        if status.perm_id != 0 {
            self.state.perm_id = Some(status.perm_id);
        }
        let kind = convert::order::status(&status.status);
        let filled = decimal::decimal(status.filled);
        if !self.is_news(&kind, filled) {
            return;
        }
        let waits = matches!(kind, OrderStatus::Inactive | OrderStatus::ApiPending);
        if !(self.state.status == OrderStatus::Staged && waits) {
            self.state.status = kind;
        }
        if filled.is_some_and(|filled| filled < self.state.filled) {
            // An order that ended has not filled less than was told before.
            return;
        }
        if let Some(filled) = filled {
            self.state.filled = filled;
        }
        if let Some(remaining) = decimal::decimal(status.remaining) {
            self.state.remaining = remaining;
        }
        let price = |price: Option<f64>| price.and_then(decimal::non_zero);
        self.state.average_fill_price = price(status.average_fill_price);
        self.state.last_fill_price = price(status.last_fill_price);
        self.state.why_held = text(&status.why_held);
    }

    /// Whether a status is not an old one that comes late. TWS repeats itself,
    /// now and then out of order: an end stays an end, above all a fill in full,
    /// and what is filled stays filled.
    fn is_news(&self, kind: &OrderStatus, filled: Option<Decimal>) -> bool {
        let known = &self.state;
        if known.status.is_final() {
            let stronger = known.status != OrderStatus::Filled && kind.is_final();
            return stronger || *kind == OrderStatus::Filled;
        }
        kind.is_final() || filled.is_none_or(|filled| filled >= known.filled)
    }

    /// A fill of the order was told. TWS now and then sends no status with it.
    pub(super) fn on_execution(&mut self, execution: &Execution) {
        self.heard = true;
        if let Some(perm_id) = execution.perm_id {
            self.state.perm_id = Some(perm_id);
        }
        // Those of the legs of a combo count in units of the legs.
        let is_combo = |contract: &Contract| matches!(contract.security_type, SecurityType::Combo);
        let filled = execution.cumulative_quantity;
        if is_combo(&self.contract) != is_combo(&execution.contract) || filled <= self.state.filled
        {
            return;
        }
        self.state.filled = filled;
        self.state.remaining = (self.order.quantity - filled).max(Decimal::ZERO);
        self.state.average_fill_price = execution.average_price;
        self.state.last_fill_price = Some(execution.price);
        // After a change it is not certain which quantity holds.
        let before = self.before.as_ref().map(|(_, order, _)| order.quantity);
        if before.is_none_or(|before| filled >= before) && filled >= self.order.quantity {
            self.state.status = OrderStatus::Filled;
            self.state.why_held = None;
        }
    }

    /// A list of TWS has the order, as it stood when it was asked for. Prices
    /// are not told of one that has ended.
    pub(super) fn on_list(&mut self, told: &OrderState) {
        self.heard = true;
        self.lost = false;
        self.state.perm_id = told.perm_id.or(self.state.perm_id);
        if self.state.status == OrderStatus::Staged && told.status == OrderStatus::Inactive {
            return;
        }
        if !self.is_news(&told.status, Some(told.filled)) {
            return;
        }
        self.state.status = told.status.clone();
        if told.filled >= self.state.filled {
            self.state.filled = told.filled;
            self.state.remaining = told.remaining;
        }
        if !told.status.is_final() {
            self.state.average_fill_price = told.average_fill_price;
            self.state.last_fill_price = told.last_fill_price;
            self.state.why_held = told.why_held.clone();
        }
    }

    /// Whether it may be this order, of which TWS has not spoken, by the text that
    /// its caller gave it to travel with and by what it trades.
    pub(super) fn resembles(&self, other: &PlacedOrder) -> bool {
        let essence = |contract: &Contract, order: &Order| {
            let text = order.reference.clone();
            (text, contract.con_id, order.action, order.quantity)
        };
        self.order.reference.is_some()
            && essence(&self.contract, &self.order) == essence(&other.contract, &other.order)
    }

    /// TWS lists as open an order that was thought to have ended before.
    pub(super) fn revive(&mut self, told: &OrderState) {
        self.heard = true;
        self.lost = false;
        let warnings = std::mem::take(&mut self.state.warnings);
        self.state = OrderState {
            warnings,
            ..told.clone()
        };
    }

    /// TWS sent a message about the order.
    pub(super) fn on_message(&mut self, kind: OrderMessage, message: TwsMessage) {
        match kind {
            OrderMessage::Warning => self.warn(&message.text),
            OrderMessage::Cancelled => {
                // `Order Canceled - reason:` with nothing behind it says nothing.
                if !message.text.trim_end().ends_with("reason:") {
                    self.warn(&message.text);
                }
                // The status that says so may have been left out.
                if !self.state.status.is_final() {
                    self.state.status = OrderStatus::Cancelled;
                }
                self.cancel_answer = Some((kind, message));
            }
            OrderMessage::Unknown | OrderMessage::TooLate => {
                self.cancel_answer = Some((kind, message.clone()));
                self.refusal = Some(Refusal {
                    message,
                    certain: true,
                });
            }
            OrderMessage::Refused | OrderMessage::Unclear => {
                self.refusal = Some(Refusal {
                    message,
                    certain: kind == OrderMessage::Refused,
                });
            }
        }
    }

    fn warn(&mut self, warning: &str) {
        let Some(warning) = text(warning) else {
            return;
        };
        let warnings = &mut self.state.warnings;
        if !warnings.contains(&warning) && warnings.len() < KEPT_WARNINGS {
            warnings.push(warning);
        }
    }

    /// Whether waiting longer is not likely to tell more.
    pub(super) fn is_settled(&self) -> bool {
        if self.refusal.as_ref().is_some_and(|refusal| refusal.certain) {
            return !self.is_alive() || self.state.status.is_final();
        }
        let resting = !matches!(self.order.order_type, OrderType::Market);
        match self.state.status {
            OrderStatus::Inactive => true,
            OrderStatus::Submitted => resting,
            OrderStatus::PreSubmitted => self.state.why_held.is_some(),
            _ => self.state.status.is_final(),
        }
    }

    /// Whether TWS's status says that the order works, waits or is filled.
    pub(super) fn is_alive(&self) -> bool {
        matches!(
            self.state.status,
            OrderStatus::PreSubmitted
                | OrderStatus::Submitted
                | OrderStatus::PendingCancel
                | OrderStatus::Filled
        )
    }

    /// Why the request was refused, if it was. What TWS said of an order that
    /// lives on becomes a warning.
    pub(super) fn refused(&mut self) -> Option<TwsMessage> {
        let refusal = self.refusal.take()?;
        let changing = self.before.is_some();
        let spoken = self.heard && !matches!(self.state.status, OrderStatus::ApiPending);
        let ended = matches!(
            self.state.status,
            OrderStatus::Inactive | OrderStatus::Cancelled | OrderStatus::ApiCancelled
        );
        // A working order that could not be changed works on.
        let refused = if changing {
            refusal.certain || !self.heard
        } else if refusal.certain {
            !self.is_alive()
        } else {
            ended || !spoken
        };
        if refused {
            return Some(refusal.message);
        }
        self.warn(&refusal.message.text);
        None
    }

    /// The order with its contract and where it stands.
    pub(super) fn placed(&self) -> PlacedOrder {
        let mut placed = PlacedOrder {
            contract: self.contract.clone(),
            order: self.order.clone(),
            state: self.state.clone(),
        };
        take_key(&mut placed.order.reference);
        if self.lost {
            placed.state.warnings.push(UNCERTAIN.to_owned());
        }
        placed
    }
}

/// The journal's name of an order, where that travelled as its reference: it is
/// nobody else's to see.
pub(super) fn take_key(reference: &mut Option<String>) -> Option<OrderKey> {
    let key = reference.as_deref()?.parse().ok()?;
    *reference = None;
    Some(key)
}

#[cfg(test)]
mod tests;
