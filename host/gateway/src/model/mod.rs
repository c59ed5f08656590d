//! The vocabulary of the gateway: what goes in and what comes out, one file
//! for each family. It mirrors the WIT package `sandpit:broker` item by item,
//! in Rust's spelling, so that the sandbox can map the two without thinking.
//!
//! Conventions:
//! - A value that TWS does not have is `None`, never a sentinel.
//! - Money and quantities are exact decimals, in the currency that the record
//!   names or, for a price, in the contract's currency.
//! - Every time is UTC. A day is ISO 8601 text.

mod account;
mod connection;
mod contracts;
mod error;
mod history;
mod market_data;
mod order_book;
mod orders;
mod trading;
mod types;

pub use account::{
    AccountBatch, AccountPnl, AccountValue, PortfolioItem, Position, PositionPnl, Value,
};
pub use connection::{AccountKind, ConnectResult, ConnectionState, Endpoint, Status};
pub use contracts::{ContractDetails, Session};
pub use error::{Error, TwsMessage, UncertainOrder};
pub use history::{Bar, BarSize, BarTime, BarsRequest, Duration, DurationUnit, WhatToShow};
pub use market_data::{DataType, Quote, QuoteBatch, Tick, TickValue};
pub use order_book::{Commission, Execution, ExecutionFilter, Side};
pub use orders::{
    Algorithm, Oca, OcaType, Order, OrderState, OrderStatus, OrderType, OtherOrderType, Pegged,
    PlacedOrder, StopAndLimit, TimeInForce, TrailBy, TrailingStop, TrailingStopLimit,
};
pub use trading::{
    Approval, Caller, Confirmation, OrderImpact, OrderOptions, Preview, PreviewToken,
};
pub use types::{Action, ComboLeg, Contract, Gap, OptionRight, SecurityType};

/// What every request to the gateway answers.
pub type Result<T> = std::result::Result<T, Error>;
