//! The exchange: instruments, prices, orders, and the accounts they fill into.
//!
//! It knows nothing of sockets. Every operation leaves messages for clients in a queue, in
//! the order TWS would send them; the caller takes them with [`Exchange::take_events`].

pub(crate) mod bar_request;
pub(crate) mod bars;
mod cancel;
mod catalogue;
mod changes;
pub(crate) mod combo;
mod derive;
mod exercise;
pub(crate) mod faults;
pub(crate) mod instrument;
pub(crate) mod market;
mod matching;
pub(crate) mod order;
mod path;
mod place;
mod quote;
pub(crate) mod search;
mod terms;
pub(crate) mod trigger;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime};

use self::bars::History;
use self::faults::OrderFaults;
use self::instrument::Instrument;
use self::market::Market;
use self::order::{Execution, Order};
use self::search::Refusal;
use crate::books::ledger::Ledger;
use crate::books::{
    AccountBooks, Books, ExecutionRecord, OrderChange, OrderRecord, PositionRecord,
};
use crate::wire::message::Reply;
use crate::wire::proto;

pub(crate) use self::derive::{OptionModel, option_model};
pub(crate) use self::quote::{Quote, Side};

/// Something that clients are told.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// For the client that placed the order.
    ToClient(i32, Reply),
    /// A fill changed a position.
    PositionChanged { account: String, con_id: i32 },
}

/// The built-in instruments of a day, before any price is set.
pub(crate) fn built_in_instruments(today: Date) -> Vec<Instrument> {
    catalogue::built_in(today)
}

/// The exchange and the books behind it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) market: Market,
    pub(crate) history: History,
    pub(crate) ledgers: Vec<Ledger>,
    /// By permanent id, which is the order of arrival.
    orders: BTreeMap<i64, Order>,
    ids: HashMap<(i32, i32), i64>,
    executions: Vec<Execution>,
    events: Vec<Event>,
    /// What the check after every fill found.
    defects: Vec<String>,
    next_perm_id: i64,
    /// What became of orders, change by change.
    changes: VecDeque<OrderChange>,
    /// No order fills while this is set.
    pub(crate) fills_paused: bool,
    pub(crate) faults: OrderFaults,
}

impl Exchange {
    /// An exchange at its start.
    pub(crate) fn new(market: Market, history: History, ledgers: Vec<Ledger>) -> Self {
        Self {
            market,
            history,
            ledgers,
            orders: BTreeMap::new(),
            ids: HashMap::new(),
            executions: Vec::new(),
            events: Vec::new(),
            defects: Vec::new(),
            next_perm_id: 1_900_000_001,
            changes: VecDeque::new(),
            fills_paused: false,
            faults: OrderFaults::default(),
        }
    }

    /// What happened since the last call, oldest first.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The account with this id.
    pub(crate) fn ledger(&self, account: &str) -> Option<&Ledger> {
        self.ledgers.iter().find(|ledger| ledger.account == account)
    }

    /// The account that a request names; the only one when it names none.
    ///
    /// # Errors
    ///
    /// 435 for one that does not exist, 436 when there are several and none is named.
    pub(crate) fn account(&self, name: Option<&str>) -> Result<&Ledger, Refusal> {
        match (
            name.filter(|name| !name.is_empty()),
            self.ledgers.as_slice(),
        ) {
            (Some(name), _) => self.ledger(name).ok_or_else(|| {
                Refusal::new(
                    435,
                    format!("You must specify a valid account; {name} is not one of this TWS"),
                )
            }),
            (None, [only]) => Ok(only),
            (None, _) => Err(Refusal::new(436, "You must specify an account.")),
        }
    }

    /// Every order that can still trade, in order of arrival.
    pub(crate) fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.status.is_open())
    }

    /// Every order that is over.
    pub(crate) fn completed_orders(&self) -> impl Iterator<Item = &Order> {
        self.orders
            .values()
            .filter(|order| order.completed.is_some())
    }

    /// Every fill since the start, oldest first.
    pub(crate) fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// The first order id that a client has not used.
    pub(crate) fn next_order_id(&self, client_id: i32) -> i32 {
        let used = self
            .ids
            .keys()
            .filter(|(client, _)| *client == client_id)
            .map(|(_, order_id)| *order_id);
        used.max().unwrap_or_default().saturating_add(1)
    }

    fn order_id(&self, client_id: i32, order_id: i32) -> Option<i64> {
        self.ids.get(&(client_id, order_id)).copied()
    }

    fn ledger_mut(&mut self, account: &str) -> Option<&mut Ledger> {
        self.ledgers
            .iter_mut()
            .find(|ledger| ledger.account == account)
    }

    /// Tells the order's client where it stands: the order, then its status.
    fn report(&mut self, perm_id: i64, now: OffsetDateTime) {
        self.note_change(perm_id, now);
        if let Some(order) = self.orders.get(&perm_id) {
            let client = order.client_id;
            let (open, status) = (order.open_order(), order.order_status());
            self.events.push(Event::ToClient(client, open.into()));
            self.events.push(Event::ToClient(client, status.into()));
        }
    }

    /// Tells the order's client an error message about it.
    fn report_error(&mut self, perm_id: i64, code: i32, text: String, now: OffsetDateTime) {
        if let Some(order) = self.orders.get(&perm_id) {
            let error = proto::ErrorMessage {
                id: Some(order.order_id),
                error_time: Some(millis(now)),
                error_code: Some(code),
                error_msg: Some(text),
                advanced_order_reject_json: None,
            };
            self.events
                .push(Event::ToClient(order.client_id, error.into()));
        }
    }

    /// The books as they stand.
    pub(crate) fn books(&self) -> Books {
        Books {
            accounts: self
                .ledgers
                .iter()
                .map(|ledger| account_books(ledger, &self.market))
                .collect(),
            executions: self.executions.iter().map(execution_record).collect(),
            orders: self.orders.values().map(order_record).collect(),
            defects: self.defects.clone(),
        }
    }
}

/// Milliseconds since 1970, as error messages carry.
pub(crate) fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

fn account_books(ledger: &Ledger, market: &Market) -> AccountBooks {
    let positions = ledger.positions.iter().filter_map(|(&con_id, position)| {
        let instrument: &Arc<Instrument> = market.instrument(con_id)?;
        let mark = market.mark(con_id);
        let (start_quantity, start_cost) = ledger
            .start
            .positions
            .get(&con_id)
            .copied()
            .unwrap_or_default();
        Some(PositionRecord {
            con_id,
            local_symbol: instrument.local_symbol.clone(),
            sec_type: instrument.sec_type.to_string(),
            quantity: position.quantity,
            start_quantity,
            start_cost,
            average_cost: position.average_cost(),
            market_price: mark,
            market_value: position.market_value(instrument, mark),
            contribution: position.contribution(instrument, mark),
            unrealized: position.unrealized(instrument, mark),
            realized: position.realized,
        })
    });
    AccountBooks {
        account: ledger.account.clone(),
        cash: ledger.cash.clone(),
        total_cash: ledger.total_cash(market),
        positions: positions.collect(),
        realized: ledger.realized(),
        unrealized: ledger.unrealized(market),
        commissions: ledger.commissions,
        net_liquidation: ledger.net_liquidation(market),
        start_net_liquidation: ledger.start.net_liquidation,
        start_unrealized: ledger.start.unrealized,
        start_cash: ledger.start.cash.clone(),
    }
}

fn execution_record(execution: &Execution) -> ExecutionRecord {
    ExecutionRecord {
        execution_id: execution.exec_id.clone(),
        account: execution.account.clone(),
        con_id: execution.instrument.con_id,
        local_symbol: execution.instrument.local_symbol.clone(),
        sec_type: execution.instrument.sec_type.to_string(),
        multiplier: execution.instrument.multiplier,
        client_id: execution.client_id,
        order_id: execution.order_id,
        quantity: execution.signed,
        price: execution.price,
        commission: execution.commission,
        realized: execution.realized,
        combo: execution.combo.clone(),
    }
}

fn order_record(order: &Order) -> OrderRecord {
    OrderRecord {
        client_id: order.client_id,
        order_id: order.order_id,
        account: order.account.clone(),
        local_symbol: order.instrument.local_symbol.clone(),
        action: match order.terms.side {
            Side::Buy => String::from("BUY"),
            Side::Sell => String::from("SELL"),
        },
        order_type: order.message.order_type.clone().unwrap_or_default(),
        total_quantity: order.terms.quantity,
        filled: order.filled,
        status: order.status.to_string(),
        limit_price: order.terms.limit,
        aux_price: order.terms.aux,
        parent_id: order.terms.parent_id,
        oca_group: order.terms.oca.as_ref().map(|(group, _)| group.clone()),
        order_ref: order.message.order_ref.clone(),
        perm_id: order.perm_id,
    }
}

/// An estimate of what a trade costs to make, in USD.
fn estimated_commission(instrument: &Instrument, quantity: Decimal, price: Decimal) -> Decimal {
    instrument.commission(quantity, quantity * price * instrument.multiplier)
}
