//! TWS's data as JSON.
//!
//! Names are TWS's own (`conId`, `secType`, `totalQuantity`). Decimals are
//! exact numbers, moments RFC 3339 in UTC, days ISO 8601. What TWS does not
//! have is left out.

mod account;
mod connection;
mod contract;
mod execution;
mod history;
mod order;
mod preview;
mod quote;

pub use account::{AccountValue, AccountValueContent, PortfolioItem, Position};
pub use connection::ConnectionStatus;
pub use contract::{Contract, ContractDetails, TradingSession};
pub use execution::Execution;
pub use history::Bar;
pub use order::{OpenOrder, Order, OrderImpact, OrderState, action_code, order_type_code};
pub use preview::{Check, OrderPreview, PreviewObject};
pub use quote::{Gap, Quote};

pub(crate) use contract::security_type_code;

/// Whether a flag is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}
