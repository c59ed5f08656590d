//! What TWS knows of instruments.

use sandpit_gateway::model;

use super::record;
use crate::bindings::sandpit::broker::contracts as wit;

record!(model::Session => wit::Session { opens, closes });

record!(model::ContractDetails => wit::ContractDetails {
    contract, long_name, market_name, industry, category, subcategory,
    stock_type, min_tick, min_size, size_increment, price_magnifier,
    order_types, valid_exchanges, under_con_id, under_symbol, contract_month,
    time_zone, trading_sessions, liquid_sessions, identifiers,
});
