//! Errors, from the gateway to the tool.

use sandpit_gateway::model;

use super::{record, variant};
use crate::bindings::sandpit::broker::types as wit;

record!(model::TwsMessage => wit::TwsMessage { code, text });

record!(model::UncertainOrder => wit::UncertainOrder { order_id, message });

variant!(model::Error => wit::Error {} {
    NotConnected, NotFound, NoPermission, NoData, Pacing, TimedOut,
    InvalidRequest, Rejected, Uncertain, Cancelled, Other,
});
