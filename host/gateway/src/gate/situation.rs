//! Everything that the gate may know when it judges. It looks nothing up by
//! itself.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::state::{Counts, Halt, Pause};
use crate::model::{Contract, ContractDetails, PlacedOrder, Position, Quote, Session};

/// What an instrument is, by TWS's own word. An order's contract says what
/// somebody asked for; what its `con_id` stands for is said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The contract, in full.
    pub contract: Contract,
    /// By how much quoted prices are multiplied; 1 for most.
    pub price_magnifier: i32,
    /// When it trades.
    pub trading_sessions: Vec<Session>,
    /// When it trades in regular hours.
    pub liquid_sessions: Vec<Session>,
}

impl From<&ContractDetails> for Instrument {
    fn from(details: &ContractDetails) -> Self {
        Self {
            contract: details.contract.clone(),
            price_magnifier: details.price_magnifier,
            trading_sessions: details.trading_sessions.clone(),
            liquid_sessions: details.liquid_sessions.clone(),
        }
    }
}

/// A quote, and when it was known to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct QuoteSeen {
    /// The quote, in the contract's currency.
    pub quote: Quote,
    /// When it held for certain: when its latest change came, or a later sign
    /// of life of its line.
    pub as_of: OffsetDateTime,
}

/// An amount of money, and when it was known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountSeen {
    /// The amount.
    pub amount: Decimal,
    /// ISO 4217 code of its currency.
    pub currency: String,
    /// When TWS said so, or a later sign of life of the subscription.
    pub as_of: OffsetDateTime,
}

/// What an account gained or lost today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PnlSeen {
    /// Since the last daily reset, realized or not; a loss is negative.
    pub daily: Decimal,
    /// The highest that `daily` was today, at least 0: see
    /// [`Peaks`](super::state::Peaks).
    pub peak: Decimal,
    /// ISO 4217 code of the currency of both.
    pub currency: String,
    /// When TWS said so, or a later sign of life of the subscription.
    pub as_of: OffsetDateTime,
}

/// An exchange rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How much of the gate's base currency one unit of the currency is.
    pub rate: Decimal,
    /// When TWS said so, or a later sign of life of the subscription.
    pub as_of: OffsetDateTime,
}

/// The connection that an order would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Whether TWS can be asked right now.
    pub connected: bool,
    /// Whether the API of TWS only lets read.
    pub read_only: bool,
    /// The accounts that it reaches.
    pub accounts: Vec<String>,
    /// The API client id.
    pub client_id: i32,
}

/// What is known at the moment of an order. What was not fetched stays empty;
/// a rule that needs it refuses. [`needs`](super::needs) says what to fetch.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation {
    /// The moment.
    pub now: OffsetDateTime,
    /// The connection.
    pub connection: Connection,
    /// Instruments by `con_id`.
    pub instruments: BTreeMap<i32, Instrument>,
    /// Quotes by `con_id`.
    pub quotes: BTreeMap<i32, QuoteSeen>,
    /// The quote of the combo that is ordered, as a whole.
    pub combo_quote: Option<QuoteSeen>,
    /// All positions of all accounts of the connection.
    pub positions: Option<Vec<Position>>,
    /// All open and staged orders of the connection, of every client id.
    pub open_orders: Option<Vec<PlacedOrder>>,
    /// Net liquidation value by account.
    pub net_liquidation: BTreeMap<String, AmountSeen>,
    /// Profit and loss of today by account.
    pub pnl: BTreeMap<String, PnlSeen>,
    /// Exchange rates into the base currency, by ISO 4217 code. The base
    /// currency itself needs none.
    pub rates: BTreeMap<String, Rate>,
    /// How many orders have been sent.
    pub counts: Option<Counts>,
    /// When an order like this one was last sent.
    pub last_alike: Option<OffsetDateTime>,
    /// The pause after orders that TWS refused, while it lasts.
    pub pause: Option<Pause>,
    /// The halt, while there is one.
    pub halt: Option<Halt>,
}

impl Situation {
    /// A moment of which nothing is known, not even a connection.
    pub fn at(now: OffsetDateTime) -> Self {
        Self {
            now,
            connection: Connection::default(),
            instruments: BTreeMap::new(),
            quotes: BTreeMap::new(),
            combo_quote: None,
            positions: None,
            open_orders: None,
            net_liquidation: BTreeMap::new(),
            pnl: BTreeMap::new(),
            rates: BTreeMap::new(),
            counts: None,
            last_alike: None,
            pause: None,
            halt: None,
        }
    }
}
