//! What all users of the market's and the accounts' data share, over all
//! connections of one gateway.

use std::sync::Arc;

use crate::account_stream::AccountHub;
use crate::config::GatewayConfig;
use crate::farms::Pulse;
use crate::history::Desk;
use crate::model::Error;
use crate::pacing::Pacing;
use crate::pnl::{PnlHub, PositionPnlHub};
use crate::positions::PositionHub;
use crate::quotes::QuoteHub;
use crate::shared::Hub;

/// How many positions' profit and loss may be watched at once.
const WATCHED_POSITIONS: usize = 500;

/// The data side of a gateway.
pub(crate) struct Data {
    /// How fast messages may be sent.
    pub(crate) pacing: Arc<Pacing>,
    /// When TWS was last known to be alive.
    pub(crate) pulse: Arc<Pulse>,
    /// The requests for bars.
    pub(crate) history: Arc<Desk>,
    /// The market data lines.
    pub(crate) quotes: QuoteHub,
    /// The account updates.
    pub(crate) accounts: AccountHub,
    /// The positions.
    pub(crate) positions: PositionHub,
    /// Profit and loss of accounts.
    pub(crate) pnl: PnlHub,
    /// Profit and loss of positions.
    pub(crate) position_pnl: PositionPnlHub,
}

impl Data {
    /// Nothing is known yet.
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let pacing = Pacing::new(config.messages_per_second, config.order_reserve);
        let lines = usize::try_from(config.market_data_lines).unwrap_or(usize::MAX);
        let (idle, pulse) = (config.idle_time, Arc::<Pulse>::default());
        Self {
            pacing: Arc::new(pacing),
            history: Arc::default(),
            quotes: Hub::new(lines, idle, Arc::clone(&pulse)),
            // TWS streams one account at a time.
            accounts: Hub::new(1, idle, Arc::clone(&pulse)),
            positions: Hub::new(1, idle, Arc::clone(&pulse)),
            pnl: Hub::new(usize::MAX, idle, Arc::clone(&pulse)),
            position_pnl: Hub::new(WATCHED_POSITIONS, idle, Arc::clone(&pulse)),
            pulse,
        }
    }

    /// The connection was closed on request: every subscription ends.
    pub(crate) fn end(&self) {
        let error = Error::NotConnected(
            "The connection to TWS was closed on request. Call ibkr_connect to open it.".to_owned(),
        );
        self.quotes.end(&error);
        self.accounts.end(&error);
        self.positions.end(&error);
        self.pnl.end(&error);
        self.position_pnl.end(&error);
    }
}
