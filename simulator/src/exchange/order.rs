//! An order as the exchange keeps it.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::instrument::Instrument;
use super::terms::Terms;
use crate::books::ledger::Trade;
use crate::number;
use crate::wire::proto;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Sent with `transmit` off: kept, and not reported to anyone.
    Staged,
    /// Accepted, waiting for something before it can trade.
    PreSubmitted,
    /// Working.
    Submitted,
    Filled,
    Cancelled,
    /// Rejected.
    Inactive,
}

impl Status {
    /// Whether the order can still trade.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::PreSubmitted | Self::Submitted)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Staged => "Staged",
            Self::PreSubmitted => "PreSubmitted",
            Self::Submitted => "Submitted",
            Self::Filled => "Filled",
            Self::Cancelled => "Cancelled",
            Self::Inactive => "Inactive",
        })
    }
}

/// An order and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Unique over all clients, and increasing with arrival.
    pub(crate) perm_id: i64,
    pub(crate) client_id: i32,
    pub(crate) order_id: i32,
    pub(crate) account: String,
    pub(crate) instrument: Arc<Instrument>,
    /// The exchange the client routed it to.
    pub(crate) exchange: String,
    /// The client's message, for what is only passed back.
    pub(crate) message: proto::Order,
    pub(crate) terms: Terms,
    pub(crate) status: Status,
    pub(crate) filled: Decimal,
    /// Sum of quantity times price over its fills.
    pub(crate) filled_value: Decimal,
    pub(crate) last_price: Option<Decimal>,
    /// Commission charged so far, in USD.
    pub(crate) commission: Decimal,
    /// Whether it waits for its parent to fill.
    pub(crate) is_held: bool,
    /// Whether its trigger price was reached.
    pub(crate) is_triggered: bool,
    /// Whether the auction it waits for takes place now.
    pub(crate) at_auction: bool,
    /// Whether it has been in the market since before this step.
    pub(crate) is_resting: bool,
    /// A trailing order's stop, where it is now.
    pub(crate) stop: Option<Decimal>,
    /// When it was filled, cancelled or rejected.
    pub(crate) completed: Option<OffsetDateTime>,
    /// Why it was rejected.
    pub(crate) reject_reason: Option<String>,
}

impl Order {
    pub(crate) fn remaining(&self) -> Decimal {
        self.terms.quantity - self.filled
    }

    pub(crate) fn average_price(&self) -> Decimal {
        if self.filled.is_zero() {
            Decimal::ZERO
        } else {
            (self.filled_value / self.filled).round_dp(8)
        }
    }

    /// Whether it still waits for its trigger price.
    pub(crate) fn awaits_trigger(&self) -> bool {
        self.terms.kind.waits_for_trigger() && !self.is_triggered
    }

    /// What holds it, in TWS's words.
    fn why_held(&self) -> String {
        let mut reasons = Vec::new();
        if self.is_held {
            reasons.push("child");
        }
        if self.awaits_trigger() {
            reasons.push("trigger");
        }
        reasons.join(",")
    }

    /// The message with everything about it.
    pub(crate) fn open_order(&self) -> proto::OpenOrder {
        proto::OpenOrder {
            order_id: Some(self.order_id),
            contract: Some(self.contract()),
            order: Some(self.wire_order()),
            order_state: Some(self.state()),
        }
    }

    /// The message with how it stands.
    pub(crate) fn order_status(&self) -> proto::OrderStatus {
        let why_held = if self.status.is_open() {
            self.why_held()
        } else {
            String::new()
        };
        proto::OrderStatus {
            order_id: Some(self.order_id),
            status: Some(self.status.to_string()),
            filled: Some(number::to_text(self.filled)),
            remaining: Some(number::to_text(self.remaining())),
            avg_fill_price: Some(number::to_double(self.average_price())),
            perm_id: Some(self.perm_id),
            parent_id: Some(self.terms.parent_id.unwrap_or_default()),
            last_fill_price: Some(number::to_double(self.last_price.unwrap_or_default())),
            client_id: Some(self.client_id),
            why_held: (!why_held.is_empty()).then_some(why_held),
            mkt_cap_price: Some(0.0),
        }
    }

    /// The message about an order that is over.
    pub(crate) fn completed_order(&self) -> proto::CompletedOrder {
        let mut order = self.wire_order();
        // A completed order is known by its permanent id alone.
        order.order_id = None;
        // Of one that is over, TWS gives what was left unfilled as its quantity.
        order.total_quantity = Some(number::to_text(self.remaining()));
        order.filled_quantity = Some(number::to_text(self.filled));
        let mut state = self.state();
        state.completed_time = self.completed.map(crate::clock::with_zone);
        state.completed_status = Some(match self.status {
            Status::Filled => format!("Filled Size: {}", number::to_text(self.filled)),
            Status::Inactive => format!(
                "Rejected: {}",
                self.reject_reason.as_deref().unwrap_or("not accepted")
            ),
            _ => String::from("Cancelled by Trader"),
        });
        proto::CompletedOrder {
            contract: Some(self.contract()),
            order: Some(order),
            order_state: Some(state),
        }
    }

    fn contract(&self) -> proto::Contract {
        proto::Contract {
            exchange: Some(self.exchange.clone()),
            ..self.instrument.contract()
        }
    }

    fn wire_order(&self) -> proto::Order {
        let mut order = self.message.clone();
        order.client_id = Some(self.client_id);
        order.order_id = Some(self.order_id);
        order.perm_id = Some(self.perm_id);
        order.account = Some(self.account.clone());
        order.total_quantity = Some(number::to_text(self.terms.quantity));
        order.filled_quantity = Some(number::to_text(self.filled));
        order.transmit = Some(true);
        order.tif.get_or_insert_with(|| String::from("DAY"));
        if let Some((group, _)) = &self.terms.oca {
            order.oca_group = Some(group.clone());
            order.oca_type.get_or_insert(3);
        }
        if let Some(stop) = self.stop {
            order.trail_stop_price = Some(number::to_double(stop));
        }
        order
    }

    fn state(&self) -> proto::OrderState {
        let charged = !self.commission.is_zero();
        proto::OrderState {
            status: Some(self.status.to_string()),
            commission_and_fees: charged.then(|| number::to_double(self.commission)),
            margin_currency: charged.then(|| String::from("USD")),
            reject_reason: self.reject_reason.clone(),
            ..proto::OrderState::default()
        }
    }
}

/// One fill.
#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) exec_id: String,
    pub(crate) time: OffsetDateTime,
    pub(crate) account: String,
    pub(crate) instrument: Arc<Instrument>,
    pub(crate) client_id: i32,
    pub(crate) order_id: i32,
    pub(crate) perm_id: i64,
    pub(crate) order_ref: Option<String>,
    /// Units, negative when sold.
    pub(crate) signed: Decimal,
    pub(crate) price: Decimal,
    pub(crate) cumulative: Decimal,
    pub(crate) average_price: Decimal,
    pub(crate) commission: Decimal,
    /// The gain realized, after commissions; `None` when the fill only opened.
    pub(crate) realized: Option<Decimal>,
    /// Whether it took what others offered, or was itself taken.
    pub(crate) took_liquidity: bool,
    /// The execution that this one belongs to: of the combination that it is a leg of, or of
    /// the options for which it was delivered.
    pub(crate) combo: Option<String>,
}

impl Execution {
    /// Whether it changes the books: of a combination, only the legs do.
    pub(crate) fn is_booked(&self) -> bool {
        !self.instrument.is_combo()
    }

    /// What it does to them.
    pub(crate) fn trade(&self) -> Trade {
        Trade {
            instrument: Arc::clone(&self.instrument),
            signed: self.signed,
            price: self.price,
            commission: self.commission,
        }
    }

    /// `BOT` or `SLD`.
    pub(crate) fn side(&self) -> &'static str {
        if self.signed.is_sign_negative() {
            "SLD"
        } else {
            "BOT"
        }
    }

    /// Where it traded.
    pub(crate) fn exchange(&self) -> &'static str {
        match self.instrument.primary_exchange {
            "" => self.instrument.exchange,
            primary => primary,
        }
    }

    /// The message about the fill, in answer to a request or (-1) on its own.
    pub(crate) fn details(&self, request: i32) -> proto::ExecutionDetails {
        let contract = self.instrument.contract();
        proto::ExecutionDetails {
            req_id: Some(request),
            contract: Some(proto::Contract {
                exchange: Some(self.exchange().to_owned()),
                // The legs are in the order; an execution has none.
                combo_legs: Vec::new(),
                ..contract
            }),
            execution: Some(proto::Execution {
                order_id: Some(self.order_id),
                exec_id: Some(self.exec_id.clone()),
                time: Some(crate::clock::with_zone(self.time)),
                acct_number: Some(self.account.clone()),
                exchange: Some(self.exchange().to_owned()),
                side: Some(self.side().to_owned()),
                shares: Some(number::to_text(self.signed.abs())),
                price: Some(number::to_double(self.price)),
                perm_id: Some(self.perm_id),
                client_id: Some(self.client_id),
                cum_qty: Some(number::to_text(self.cumulative)),
                avg_price: Some(number::to_double(self.average_price)),
                order_ref: self.order_ref.clone(),
                last_liquidity: Some(if self.took_liquidity { 2 } else { 1 }),
                ..proto::Execution::default()
            }),
        }
    }

    /// The message about its commission. TWS marks "nothing was realized" with the largest
    /// double.
    pub(crate) fn commission_report(&self) -> proto::CommissionAndFeesReport {
        proto::CommissionAndFeesReport {
            exec_id: Some(self.exec_id.clone()),
            commission_and_fees: Some(number::to_double(self.commission)),
            currency: Some(String::from("USD")),
            realized_pnl: Some(self.realized.map_or(number::UNSET, number::to_double)),
            bond_yield: None,
            yield_redemption_date: None,
        }
    }
}
