//! What can be done to the simulator, as data.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A length of time: in steps of the market, which a test takes at its own pace, or in
/// milliseconds of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wait {
    /// So many steps of the market.
    Steps(u64),
    /// So many milliseconds.
    Millis(u64),
}

/// A farm of IBKR's servers that TWS reports on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Farm {
    /// Quotes: 2103 broken, 2108 idle, 2104 restored.
    MarketData,
    /// Historical data: 2105, 2107, 2106.
    Historical,
    /// Definitions of instruments: 2157 broken, 2158 restored; it is never reported as idle.
    Definitions,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Garbage {
    /// A frame of the right length with bytes that mean nothing.
    Noise,
    /// A frame whose message id nobody knows.
    UnknownMessage,
    /// A frame with an order status that breaks off in the middle.
    Truncated,
    /// A length that no frame may have. The stream cannot be read any further.
    Length,
}

/// Which requests for history are paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HistoryPacing {
    /// None.
    #[default]
    Off,
    /// Those for bars of 30 seconds and less, as IBKR says it does today.
    SmallBars,
    /// All.
    All,
}

/// One thing that is done to the simulator: a fault, its end, or a lever of the market.
///
/// In JSON it is an object whose `do` says what, with the fields beside it:
/// `{"do": "linkRestored", "dataLost": true}`. A count called `next` says how many of the
/// events to come are affected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Fault {
    /// Stops the market: see [`Control::freeze`](crate::Control::freeze).
    Freeze,
    /// Lets the market move again.
    Thaw,
    /// Sets a price: see [`Control::set_price`](crate::Control::set_price).
    SetPrice {
        /// The instrument's local symbol.
        symbol: String,
        /// In the instrument's currency.
        price: Decimal,
    },
    /// Lets no order fill.
    PauseFills,
    /// Lets orders fill again.
    ResumeFills,
    /// Holds the opening auction.
    OpenMarket,
    /// Holds the closing auction.
    CloseMarket,

    /// Ends every connection.
    DropConnections,
    /// Closes new connections as soon as they are made.
    RefuseConnections,
    /// Takes new connections and never answers on them, not even the client's hello.
    HalfOpenConnections,
    /// Accepts new connections as usual again. Those that were half open stay so.
    AcceptConnections,
    /// Sends a few bytes at a time on every connection, with a pause between.
    SlowSockets {
        /// How many bytes at a time, at least 1.
        bytes: u32,
        /// The pause in milliseconds.
        pause_millis: u64,
    },
    /// Sends at full speed again.
    FastSockets,
    /// Sends nothing more: see [`Control::go_silent`](crate::Control::go_silent).
    Silence,
    /// Answers again.
    EndSilence,
    /// Restarts: every connection ends, and new ones are closed until someone has logged in.
    Restart {
        /// How long the login takes.
        login: Wait,
    },
    /// Another program takes a client id: a session with it is refused with 326.
    TakeClientId {
        /// The id.
        client_id: i32,
    },
    /// The other program lets go of the client id.
    FreeClientId {
        /// The id.
        client_id: i32,
    },
    /// The API only lets read: orders, cancels, and questions about open and completed orders
    /// are refused with 321.
    ReadOnlyApi,
    /// The API takes orders again.
    WritableApi,
    /// Sends a frame that no client can read to every client.
    Garbage {
        /// What is wrong with it.
        kind: Garbage,
    },

    /// Sends a notice without a request to every client.
    Notice {
        /// TWS's code.
        code: i32,
        /// Its text.
        text: String,
    },
    /// The link to IBKR's servers is lost (1100): no quotes, and nothing is heard of orders
    /// until it is restored. Orders go on trading.
    LinkLost,
    /// The link is restored, and what happened to orders meanwhile is told.
    LinkRestored {
        /// 1101, and every subscription to market data has ended; otherwise 1102.
        data_lost: bool,
    },
    /// TWS itself cannot reach IBKR (2110); the connections to clients stay.
    ServerLinkBroken,
    /// A farm is gone. No quotes come while that of market data is, and no history while that
    /// of history is.
    FarmBroken {
        /// Which.
        farm: Farm,
    },
    /// A farm is idle, which is no fault at all: it comes back when it is asked.
    FarmIdle {
        /// Which.
        farm: Farm,
    },
    /// A farm is there again.
    FarmRestored {
        /// Which.
        farm: Farm,
    },

    /// Enforces IBKR's limits, which are off in a new simulator. A message over the limit is
    /// not handled but answered with 100, and in the third second with such messages the
    /// connection ends. Requests for history are refused with 162, real-time bars with 420.
    EnforcePacing {
        /// Messages a second of all clients together; IBKR allows 50. `None` does not count.
        messages: Option<u32>,
        /// Which requests for history are paced.
        #[serde(default)]
        history: HistoryPacing,
    },

    /// Tells of orders later: open orders, statuses, executions and commissions.
    DelayOrderEvents {
        /// How many messages.
        next: u32,
        /// How much later.
        by: Wait,
    },
    /// Tells of orders in the wrong order: so many messages are held back and sent last first.
    ReverseOrderEvents {
        /// How many messages. If there are fewer by the next step, those.
        next: u32,
    },
    /// Sends order statuses twice.
    DuplicateStatuses {
        /// How many of them.
        next: u32,
    },
    /// Does not send order statuses at all.
    OmitStatuses {
        /// How many of them.
        next: u32,
    },
    /// Lets orders fill in parts.
    PartialFills {
        /// How many fills are affected.
        next: u32,
        /// The most that one of them fills.
        quantity: Decimal,
    },
    /// Ends the connection in the instant in which an order, a change or a cancel arrives on it.
    DropOnOrder {
        /// How many of them.
        next: u32,
        /// Whether it is carried out all the same. The client is told nothing of it either way.
        arrives: bool,
    },
    /// Rejects new orders: they become `Inactive`, and an error message says why.
    RejectOrders {
        /// How many.
        next: u32,
        /// The error's code, such as 201.
        code: i32,
        /// Its text.
        text: String,
    },
    /// Cancels (202) every new limit order that would pay more, or ask less, than the price
    /// allows.
    PriceBand {
        /// How far beyond the instrument's price a limit may be, in percent; `None` for no band.
        percent: Option<Decimal>,
    },
    /// Lets orders fill in the instant in which they are to be cancelled.
    FillOnCancel {
        /// How many cancels.
        next: u32,
        /// How much fills; what is left is cancelled. `None` for all of it, and the cancel is
        /// refused with 10148.
        quantity: Option<Decimal>,
    },

    /// Ends every fault that lasts. What was held back is sent. Prices stay.
    Heal,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}
