//! A paper TWS on a TCP port.
//!
//! The simulator speaks the protocol of Trader Workstation (server version 226, protobuf) to
//! any client, and has an exchange inside: some two hundred instruments, a seeded price
//! process, orders that fill as prices move, commissions, margins, and books that add up to
//! the cent after every fill.
//!
//! ```
//! use sandpit_simulator::{Simulator, SimulatorConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::start(SimulatorConfig::default()).await?;
//! println!("connect a TWS client to {}", simulator.address());
//! simulator.control().set_price("VTI", "330.00".parse()?)?;
//! simulator.books().check()?;
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it simplifies
//!
//! - The market is always open. History knows weekends but no holidays. MOC, LOC and OPG
//!   orders wait for the auctions of the day, at 16:00 and 09:30 in New York on weekdays, or for
//!   [`Control::close_market`] and [`Control::open_market`].
//! - An order can take the displayed size at once; what is larger fills in parts, one a step.
//! - Algorithms are accepted and trade like the order type they are put on. Combinations are
//!   not listed.
//! - An order staged with `transmit` off is reported to nobody, not even in open orders, until
//!   it is transmitted.
//! - Accounts are kept in USD. Commissions: stocks 0.005 per share, at least 1.00; options 0.65
//!   per contract, at least 1.00; futures 2.25 per contract; forex 0.00002 of the value, at
//!   least 2.00.

mod books;
mod clock;
mod config;
mod control;
mod error;
mod exchange;
mod fixture;
mod inspect;
mod number;
mod session;
mod simulator;
mod wire;
mod world;

pub use books::{AccountBooks, Books, ExecutionRecord, OrderRecord, PositionRecord};
pub use config::{MarketDataPermission, SimulatorConfig, Start};
pub use control::Control;
pub use error::{ControlError, SimulatorError};
pub use fixture::{Fixture, FixtureAccount, FixtureBar, FixtureHistory, FixturePosition};
pub use inspect::{ConnectionInfo, ConnectionTotals, Subscription, SubscriptionKind};
pub use session::received::Received;
pub use simulator::Simulator;
