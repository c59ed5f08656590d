//! What can go wrong before the simulator runs.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A simulator that could not be started. Once it runs, a client's mistakes are answered
/// on the wire and never end it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The address to listen on is not available.
    #[error(
        "the simulator cannot listen on {address}: {source}; choose another port, or stop what uses it"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The fixture file cannot be read.
    #[error("the fixture {} cannot be read: {source}", path.display())]
    ReadFixture {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The fixture is not the JSON that [`crate::Fixture`] describes.
    #[error("the fixture is not valid: {0}")]
    ParseFixture(#[from] serde_json::Error),
    /// The fixture names something the exchange does not have, or a value that cannot be.
    #[error("the fixture is not valid: {0}")]
    Fixture(String),
    /// The configuration contradicts itself.
    #[error("the simulator's configuration is not valid: {0}")]
    Config(String),
}

/// A request to [`crate::Control`] that makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No instrument has this local symbol.
    #[error(
        "no instrument has the local symbol {0:?}; stocks go by their symbol, forex as EUR.USD"
    )]
    UnknownInstrument(String),
    /// It is not a script.
    #[error("it is not a script: {0}; see the documentation of Script for an example")]
    Script(String),
    /// A price has to be positive.
    #[error("{0} is not a price; expected a positive number")]
    BadPrice(rust_decimal::Decimal),
}
