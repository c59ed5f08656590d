//! Orders as data.

use sandpit_gateway::model;

use super::{record, record_both, variant, variant_both};
use crate::bindings::sandpit::broker::orders as wit;

variant_both!(wit::TrailBy, model::TrailBy {} { Amount, Percent });

record_both!(wit::StopAndLimit, model::StopAndLimit { stop, limit });

record_both!(
    wit::TrailingStop,
    model::TrailingStop {
        trail_by,
        initial_stop
    }
);

record_both!(
    wit::TrailingStopLimit,
    model::TrailingStopLimit {
        trail_by,
        initial_stop,
        limit_offset,
    }
);

record_both!(wit::Pegged, model::Pegged { offset, limit });

record_both!(
    wit::OtherOrderType,
    model::OtherOrderType {
        code,
        limit,
        auxiliary
    }
);

variant_both!(wit::OrderType, model::OrderType { Market, MarketOnClose } {
    Limit, Stop, StopLimit, TrailingStop, TrailingStopLimit, LimitOnClose,
    MarketIfTouched, LimitIfTouched, Relative, Midprice, PeggedToMidpoint,
    Other,
});

variant_both!(wit::TimeInForce, model::TimeInForce {
    Day, GoodTillCancelled, ImmediateOrCancel, FillOrKill, AtTheOpening,
} { GoodTillDate, Other });

variant_both!(wit::OcaType, model::OcaType {
    CancelWithBlock, ReduceWithBlock, ReduceNonBlock,
} {});

record_both!(wit::Oca, model::Oca { group, oca_type });

record_both!(
    wit::Algorithm,
    model::Algorithm {
        strategy,
        parameters
    }
);

record_both!(
    wit::Order,
    model::Order {
        action,
        quantity,
        order_type,
        time_in_force,
        account,
        outside_regular_hours,
        good_after,
        parent_id,
        oca,
        transmit,
        algorithm,
        reference,
        display_quantity,
        all_or_none,
        hidden,
    }
);

variant!(model::OrderStatus => wit::OrderStatus {
    ApiPending, PendingSubmit, PendingCancel, PreSubmitted, Submitted,
    ApiCancelled, Cancelled, Filled, Inactive, Staged,
} { Other });

record!(model::OrderState => wit::OrderState {
    order_id, perm_id, client_id, status, filled, remaining,
    average_fill_price, last_fill_price, why_held, warnings,
});

record!(model::PlacedOrder => wit::PlacedOrder { contract, order, state });
