//! What an order would do to the account.

use sandpit_gateway::model;

use super::record;
use crate::bindings::sandpit::broker::trading as wit;

record!(model::OrderImpact => wit::OrderImpact {
    margin_currency, initial_margin_before, initial_margin_after,
    maintenance_margin_before, maintenance_margin_after, equity_before,
    equity_after, commission, min_commission, max_commission,
    commission_currency, warning,
});
