//! Contracts and sides.

use sandpit_gateway::model;

use super::{record, record_both, variant_both};
use crate::bindings::sandpit::broker::types as wit;

variant_both!(wit::SecurityType, model::SecurityType {
    Stock, Option, Future, ContinuousFuture, FutureOption, Forex, Index, Cfd,
    Bond, Fund, Warrant, Commodity, Crypto, Combo,
} { Other });

record!(model::Gap => wit::Gap { since, until });

variant_both!(wit::OptionRight, model::OptionRight { Call, Put } {});

variant_both!(wit::Action, model::Action { Buy, Sell, SellShort } {});

record_both!(
    wit::ComboLeg,
    model::ComboLeg {
        con_id,
        ratio,
        action,
        exchange
    }
);

record_both!(
    wit::Contract,
    model::Contract {
        con_id,
        symbol,
        security_type,
        expiry,
        strike,
        right,
        multiplier,
        exchange,
        primary_exchange,
        currency,
        local_symbol,
        trading_class,
        include_expired,
        combo_legs,
    }
);
