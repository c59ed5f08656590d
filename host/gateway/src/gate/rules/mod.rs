//! The rules, one family in each file.

mod collar;
mod counts;
mod exits;
mod lists;
mod losses;
mod positions;
mod size;
mod standing;
mod times;

use rust_decimal::{Decimal, RoundingStrategy};

pub(super) use losses::loss;
pub(super) use size::worth;

use super::case::Case;
use super::verdict::Check;

/// What a cancel has to pass.
pub(super) fn of_cancel(case: &Case<'_>) -> Vec<Check> {
    vec![standing::connection(case)]
}

/// What everything else has to pass, in this order: first what concerns all
/// orders alike, then what can be said of this one without prices, then the
/// rest.
pub(super) fn of_order(case: &Case<'_>) -> Vec<Check> {
    let always = [
        standing::connection(case),
        standing::mode(case),
        standing::accounts(case),
        standing::halt(case),
        standing::order(case),
    ];
    let set = [
        standing::rejections(case),
        times::blackout(case),
        times::hours(case),
        lists::symbols(case),
        lists::security_types(case),
        lists::currencies(case),
        lists::exchanges(case),
        lists::order_types(case),
        Some(exits::exits(case)),
        size::quantity(case),
        counts::open_orders(case),
        counts::per_minute(case),
        counts::per_day(case),
        counts::duplicates(case),
        collar::collar(case),
        size::notional(case),
        size::share(case),
        positions::position(case),
        positions::position_notional(case),
        losses::daily_loss(case),
        losses::drawdown(case),
    ];
    always
        .into_iter()
        .chain(set.into_iter().flatten())
        .collect()
}

/// A number as a person reads it. What has many digits is rounded up, so that
/// what is above a limit also reads so.
fn plain(number: Decimal) -> String {
    number
        .round_dp_with_strategy(4, RoundingStrategy::AwayFromZero)
        .normalize()
        .to_string()
}
