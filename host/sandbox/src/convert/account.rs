//! What the accounts hold and what they are worth.

use sandpit_gateway::model;

use super::{record, variant};
use crate::bindings::sandpit::broker::account as wit;

variant!(model::Value => wit::Value {} { Number, Text });

record!(model::AccountValue => wit::AccountValue { account, tag, value, currency });

record!(model::Position => wit::Position { account, contract, quantity, average_cost });

record!(model::PortfolioItem => wit::PortfolioItem {
    position, market_price, market_value, unrealized_pnl, realized_pnl,
});

record!(model::AccountPnl => wit::AccountPnl {
    daily, unrealized, realized, as_of, stale,
});

record!(model::PositionPnl => wit::PositionPnl {
    quantity, daily, unrealized, realized, value, as_of, stale,
});

record!(model::AccountBatch => wit::AccountBatch {
    values, portfolio, complete, lost, updated, stale, gap,
});
