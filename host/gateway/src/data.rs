//! What all users of the market's and the accounts' data share, over all
//! connections of one gateway.

use std::sync::Arc;

use crate::config::GatewayConfig;
use crate::history::Desk;
use crate::pacing::Pacing;

/// The data side of a gateway.
pub(crate) struct Data {
    /// How fast messages may be sent.
    pub(crate) pacing: Arc<Pacing>,
    /// The requests for bars.
    pub(crate) history: Arc<Desk>,
}

impl Data {
    /// Nothing is known yet.
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let pacing = Pacing::new(config.messages_per_second, config.order_reserve);
        Self {
            pacing: Arc::new(pacing),
            history: Arc::default(),
        }
    }
}
