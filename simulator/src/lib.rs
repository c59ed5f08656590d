//! A paper TWS on a TCP port.
//!
//! The simulator speaks the protocol of Trader Workstation to any client (server versions 213
//! to 226 in protobuf, 157 to 178 in text), and has an exchange inside: some two hundred
//! instruments, a seeded price process, orders that fill as prices move, commissions, margins,
//! and books that add up to the cent after every fill.
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
//! # Trouble on purpose
//!
//! A [`Fault`] is one thing that goes wrong, or is put right again: sockets that drop, hang or
//! crawl, a lost link, farms that come and go, orders that are rejected or filled while they
//! are cancelled, messages that are late, double or missing. [`Control::act`] does it now, a
//! [`Script`] at its time, and [`Chaos::seeded`] makes a script from a seed.
//! [`Control::happened`] lists what was done and what came of it.
//!
//! ```
//! use sandpit_simulator::{Chaos, Profile, Simulator, SimulatorConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SimulatorConfig { tick_interval: None, ..SimulatorConfig::default() };
//! let simulator = Simulator::start(config).await?;
//! let control = simulator.control();
//! control.play(Chaos::seeded(7, &Profile::everything(200)));
//! control.step(200);
//! for line in control.happened() {
//!     println!("{line}");
//! }
//! # simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! All of it can be done from another process: see [`Simulator::serve_control`]. What a real
//! TWS did can be recorded and played again: see [`tape`].
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
mod chaos;
mod clock;
mod config;
mod control;
mod error;
mod exchange;
mod fixture;
mod inspect;
mod number;
mod port;
mod session;
mod simulator;
pub mod tape;
mod wire;
mod world;

pub use books::{AccountBooks, Books, ExecutionRecord, OrderChange, OrderRecord, PositionRecord};
pub use chaos::{
    Chaos, Event, Farm, Fault, Garbage, Happened, Happening, HistoryPacing, Moment, Profile,
    Script, Wait,
};
pub use config::{MarketDataPermission, SimulatorConfig, Start};
pub use control::Control;
pub use error::{ControlError, SimulatorError};
pub use fixture::{Fixture, FixtureAccount, FixtureBar, FixtureHistory, FixturePosition};
pub use inspect::{ConnectionInfo, ConnectionTotals, Subscription, SubscriptionKind};
pub use session::received::Received;
pub use simulator::Simulator;
