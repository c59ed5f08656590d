//! Executions and what they cost.

use sandpit_gateway::model;

use super::{record, variant_both};
use crate::bindings::sandpit::broker::order_book as wit;

variant_both!(wit::Side, model::Side { Bought, Sold } {});

record!(model::Commission => wit::Commission { amount, currency, realized_pnl });

record!(model::Execution => wit::Execution {
    exec_id, order_id, perm_id, client_id, account, contract, side, quantity,
    price, time, exchange, cumulative_quantity, average_price, reference,
    commission,
});

record!(wit::ExecutionFilter => model::ExecutionFilter { account, symbol, side, after });
