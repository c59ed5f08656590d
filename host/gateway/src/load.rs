//! How much of what TWS allows a gateway uses at the moment.

use serde::Serialize;

use crate::connection::Gateway;

/// How much of what TWS allows a gateway uses at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// How many messages went to TWS within the last second.
    pub messages: usize,
    /// How many may go within a second.
    pub messages_limit: usize,
    /// How many requests, orders and cancels wait until they may be sent.
    pub waiting: usize,
    /// How many market data lines (TWS `reqMktData`) are subscribed to. A line
    /// lasts a little longer than its last reader.
    pub market_data_lines: usize,
    /// How many there may be.
    pub market_data_lines_limit: u32,
}

impl Gateway {
    /// How much of what TWS allows is used at the moment. Never asks TWS.
    pub fn load(&self) -> Load {
        let data = self.data();
        let (messages, messages_limit) = data.pacing.used();
        Load {
            messages,
            messages_limit,
            waiting: data.pacing.waiting(),
            market_data_lines: data.quotes.count(),
            market_data_lines_limit: self.max_lines(),
        }
    }
}
