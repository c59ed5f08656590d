//! The gateway: the one owner of the socket to TWS or IB Gateway.
//!
//! Every caller shares it. It speaks the vocabulary of [`model`] and knows
//! nothing of WebAssembly, MCP or HTTP. What reaches TWS has been checked as
//! far as the host can know, every request ends in an answer or in a typed
//! error, and nothing waits for ever.
//!
//! ```no_run
//! use sandpit_gateway::{Gateway, GatewayConfig, model::{Contract, Endpoint}};
//!
//! # async fn example() -> Result<(), sandpit_gateway::model::Error> {
//! let gateway = Gateway::new(GatewayConfig::default());
//! gateway.connect(Endpoint::default()).await?;
//! let spy = gateway.qualify(&Contract::us_stock("SPY")).await?;
//! println!("{:?}", spy.con_id);
//! gateway.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod account;
mod account_stream;
mod codes;
mod config;
mod connection;
mod contracts;
mod convert;
mod data;
mod farms;
mod feed;
pub mod gate;
mod gateways;
mod history;
pub mod journal;
mod link;
mod load;
mod metrics;
pub mod model;
mod news;
mod orders;
mod pacing;
mod pnl;
mod positions;
mod quotes;
mod session;
mod shared;
mod supervisor;
mod validate;
pub mod visible;

pub use account_stream::AccountStream;
pub use codes::CodeMeaning;
pub use config::GatewayConfig;
pub use connection::Gateway;
pub use gate::GateConfig;
pub use gateways::Gateways;
pub use journal::Journal;
pub use load::Load;
pub use metrics::{GatewayMetrics, JournalMetrics};
pub use news::News;
pub use quotes::QuoteStream;
