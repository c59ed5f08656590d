//! How a simulator starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::fixture::Fixture;

/// How a simulator starts. The default listens on a free port of 127.0.0.1, with one paper
/// account and a moving market.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// The address to listen on. Port 0 takes a free one; ask
    /// [`Simulator::address`](crate::Simulator::address) which.
    pub listen: SocketAddr,
    /// The accounts of this TWS, in the order of the managed-accounts message. A fixture that
    /// names accounts replaces them.
    pub accounts: Vec<String>,
    /// Where the price process begins. The same seed and the same steps give the same prices.
    pub seed: u64,
    /// The time between two steps of the market. `None` leaves stepping to
    /// [`Control::step`](crate::Control::step).
    pub tick_interval: Option<Duration>,
    /// What the accounts hold and what instruments cost at the start.
    pub start: Start,
    /// Which market data the user of this TWS has paid for.
    pub market_data: MarketDataPermission,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: vec![String::from("DU1234567")],
            seed: 1,
            tick_interval: Some(Duration::from_millis(250)),
            start: Start::BuiltIn,
            market_data: MarketDataPermission::Live,
        }
    }
}

/// What the accounts hold at the start.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Start {
    /// 100,000 USD in each account, and in the first one also 120 VTI, 200 TLT and 50 AAPL.
    #[default]
    BuiltIn,
    /// What the fixture says.
    Fixture(Fixture),
    /// What the fixture in this file says.
    File(PathBuf),
}

/// Which market data the user of this TWS has paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MarketDataPermission {
    /// Everything, live.
    #[default]
    Live,
    /// Delayed only: a request for live data is refused with 354, unless the client chose
    /// delayed data before.
    Delayed,
}
