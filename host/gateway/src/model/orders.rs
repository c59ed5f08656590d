//! Orders as data, shared by reading and writing them.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{Action, Contract};

/// By how much a trailing stop trails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailBy {
    /// An amount, in the contract's currency.
    Amount(Decimal),
    /// A percentage: 1.5 is one and a half per cent.
    Percent(Decimal),
}

/// A stop price and a limit price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopAndLimit {
    /// The price that activates the order.
    pub stop: Decimal,
    /// The limit once it is active.
    pub limit: Decimal,
}

/// A trailing stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailingStop {
    /// By how much it trails.
    pub trail_by: TrailBy,
    /// Where the stop starts; TWS derives it from the market if absent.
    pub initial_stop: Option<Decimal>,
}

/// A trailing stop that becomes a limit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailingStopLimit {
    /// By how much the stop trails.
    pub trail_by: TrailBy,
    /// Where the stop starts.
    pub initial_stop: Option<Decimal>,
    /// How far the limit stays from the stop.
    pub limit_offset: Decimal,
}

/// An order that follows a quote at a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pegged {
    /// The distance, in the contract's currency.
    pub offset: Option<Decimal>,
    /// A price that it will not go beyond.
    pub limit: Option<Decimal>,
}

/// An order type that this version reads but cannot place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherOrderType {
    /// TWS's code, for example `VOL`.
    pub code: String,
    /// The limit price, if any.
    pub limit: Option<Decimal>,
    /// The auxiliary price, if any.
    pub auxiliary: Option<Decimal>,
}

/// How an order is executed, with the prices that belong to it. TWS's code is
/// in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// At the market (`MKT`).
    Market,
    /// At this price or better (`LMT`).
    Limit(Decimal),
    /// At the market once this price is reached (`STP`).
    Stop(Decimal),
    /// At a limit once a price is reached (`STP LMT`).
    StopLimit(StopAndLimit),
    /// A stop that follows the market (`TRAIL`).
    TrailingStop(TrailingStop),
    /// A stop that follows the market and becomes a limit (`TRAIL LIMIT`).
    TrailingStopLimit(TrailingStopLimit),
    /// At the closing price (`MOC`).
    MarketOnClose,
    /// At the close, at this price or better (`LOC`).
    LimitOnClose(Decimal),
    /// At the market once a better price than now is touched (`MIT`).
    MarketIfTouched(Decimal),
    /// At a limit once a better price than now is touched (`LIT`).
    LimitIfTouched(StopAndLimit),
    /// Pegged to the best quote of the own side (`REL`).
    Relative(Pegged),
    /// Midway between bid and ask, up to this price (`MIDPRICE`).
    Midprice(Option<Decimal>),
    /// Pegged to the midpoint (`PEG MID`).
    PeggedToMidpoint(Pegged),
    /// Something else. It can be read, not placed.
    Other(OtherOrderType),
}

/// How long an order works. TWS's code is in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until the session ends (`DAY`).
    Day,
    /// Until it is cancelled (`GTC`).
    GoodTillCancelled,
    /// Until a moment (`GTD`).
    GoodTillDate(OffsetDateTime),
    /// At once, and what is left is cancelled (`IOC`).
    ImmediateOrCancel,
    /// At once and in full, or not at all (`FOK`).
    FillOrKill,
    /// At the opening (`OPG`).
    AtTheOpening,
    /// Something else, by TWS's code. It can be read, not placed.
    Other(String),
}

/// What a fill in a one-cancels-all group does to the other orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcaType {
    /// Cancels them, and blocks overfills.
    CancelWithBlock,
    /// Reduces them in proportion, and blocks overfills.
    ReduceWithBlock,
    /// Reduces them in proportion.
    ReduceNonBlock,
}

/// Membership in a one-cancels-all group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oca {
    /// The group's name, chosen by the client.
    pub group: String,
    /// What a fill does to the others.
    pub oca_type: OcaType,
}

/// An IBKR algorithm that works the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// TWS's name, for example `Adaptive`, `Vwap`, `Twap`.
    pub strategy: String,
    /// Its parameters as (name, value), for example (`adaptivePriority`, `Normal`).
    pub parameters: Vec<(String, String)>,
}

/// An order. Prices are in the contract's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Buying or selling.
    pub action: Action,
    /// How much, in shares or contracts; for forex in the base currency.
    pub quantity: Decimal,
    /// How it is executed.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// The account; absent where there is only one.
    pub account: Option<String>,
    /// Whether it may fill outside regular trading hours.
    pub outside_regular_hours: bool,
    /// The moment before which it does not work.
    pub good_after: Option<OffsetDateTime>,
    /// The order id of its parent: it works once the parent is filled.
    pub parent_id: Option<i32>,
    /// One-cancels-all group.
    pub oca: Option<Oca>,
    /// False holds the order in TWS, staged, until it is transmitted.
    pub transmit: bool,
    /// The algorithm, if any.
    pub algorithm: Option<Algorithm>,
    /// The client's own text, which travels with the order and its fills.
    pub reference: Option<String>,
    /// How much of it is shown.
    pub display_quantity: Option<Decimal>,
    /// Fill in full or not at all.
    pub all_or_none: bool,
    /// Not shown in the book.
    pub hidden: bool,
}

impl Order {
    /// A day order with nothing special about it, transmitted at once.
    pub fn new(action: Action, quantity: Decimal, order_type: OrderType) -> Self {
        Self {
            action,
            quantity,
            order_type,
            time_in_force: TimeInForce::Day,
            account: None,
            outside_regular_hours: false,
            good_after: None,
            parent_id: None,
            oca: None,
            transmit: true,
            algorithm: None,
            reference: None,
            display_quantity: None,
            all_or_none: false,
            hidden: false,
        }
    }
}

/// What an order is doing. TWS's code is in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Sent by the host, not acknowledged (`ApiPending`).
    ApiPending,
    /// On its way to the exchange (`PendingSubmit`).
    PendingSubmit,
    /// A cancel is on its way (`PendingCancel`).
    PendingCancel,
    /// Accepted by TWS, waiting for its trigger or its time (`PreSubmitted`).
    PreSubmitted,
    /// Working (`Submitted`).
    Submitted,
    /// Cancelled before it was sent on (`ApiCancelled`).
    ApiCancelled,
    /// Cancelled (`Cancelled`).
    Cancelled,
    /// Filled in full (`Filled`).
    Filled,
    /// Refused, or held back (`Inactive`).
    Inactive,
    /// Held in TWS until it is transmitted. TWS sends no status for it.
    Staged,
    /// Something else, by TWS's code.
    Other(String),
}

impl OrderStatus {
    /// Whether the order is at its end: nothing more will happen to it.
    /// `Inactive` is not an end: TWS may activate such an order again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::ApiCancelled)
    }
}

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// The order's id, unique for its client id.
    pub order_id: i32,
    /// TWS's own, permanent id.
    pub perm_id: Option<i64>,
    /// The API client id that placed it; 0 for orders made by hand.
    pub client_id: i32,
    /// What it is doing.
    pub status: OrderStatus,
    /// How much is filled.
    pub filled: Decimal,
    /// How much is left.
    pub remaining: Decimal,
    /// Average price of the fills.
    pub average_fill_price: Option<Decimal>,
    /// Price of the last fill.
    pub last_fill_price: Option<Decimal>,
    /// Why TWS holds it, for example `trigger` or `locate`.
    pub why_held: Option<String>,
    /// What TWS warned of, in its own words.
    pub warnings: Vec<String>,
}

/// An order with its contract and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// What is traded.
    pub contract: Contract,
    /// The order.
    pub order: Order,
    /// Where it stands.
    pub state: OrderState,
}
