//! How many orders there are, and how fast they come.

use time::Duration;

use crate::gate::case::{Case, Lack};
use crate::gate::proposal::Request;
use crate::gate::state::Counts;
use crate::gate::verdict::{Check, Rule};

/// No more orders are open than this.
pub(super) fn open_orders(case: &Case<'_>) -> Option<Check> {
    let rule = Rule::MaxOpenOrders;
    let limit = case.rules().max_open_orders?;
    let Request::Place(orders) = &case.proposal.request else {
        return Some(Check::not_applicable(rule, "No order is added."));
    };
    let now = match case.open_orders() {
        Ok(open) => open.count(),
        Err(Lack(lack)) => return Some(Check::refused(rule, lack)),
    };
    let then = now.saturating_add(orders.len());
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    Some(
        if then <= most {
            Check::passed(rule, format!("{then} orders would be open."))
        } else {
            Check::refused(
                rule,
                format!(
                    "{now} orders are open, this would make {then}, and {limit} are allowed. \
                     Cancel some, or wait for fills."
                ),
            )
        }
        .with(limit, then),
    )
}

/// No more orders are sent within a minute than this.
pub(super) fn per_minute(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().orders_per_minute?;
    let sent = |counts: Counts| counts.last_minute;
    Some(rate(
        case,
        Rule::OrdersPerMinute,
        limit,
        "in the last minute",
        sent,
    ))
}

/// No more orders are sent in a day than this.
pub(super) fn per_day(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().orders_per_day?;
    let sent = |counts: Counts| counts.today;
    Some(rate(case, Rule::OrdersPerDay, limit, "today", sent))
}

fn rate(
    case: &Case<'_>,
    rule: Rule,
    limit: u32,
    when: &str,
    of: impl FnOnce(Counts) -> u32,
) -> Check {
    let Some(sent) = case.situation.counts.map(of) else {
        return Check::refused(
            rule,
            format!("How many orders were sent {when} is not known."),
        );
    };
    let then = sent.saturating_add(case.proposal.request.messages());
    if then <= limit {
        Check::passed(rule, format!("With this, {then} orders are sent {when}."))
    } else {
        Check::refused(
            rule,
            format!(
                "{sent} orders were sent {when}, this would make {then}, and {limit} are allowed. \
                 Try again later."
            ),
        )
    }
    .with(limit, then)
}

/// No such order was sent a moment ago.
pub(super) fn duplicates(case: &Case<'_>) -> Option<Check> {
    let rule = Rule::DuplicateSeconds;
    let limit = case.rules().duplicate_seconds?;
    if let Request::Modify(_) = case.proposal.request {
        return Some(Check::not_applicable(
            rule,
            "The same change again changes nothing.",
        ));
    }
    let Some(last) = case.situation.last_alike else {
        return Some(Check::passed(rule, "No order like this was sent lately."));
    };
    let ago = case.situation.now - last;
    let (limit_text, value) = (
        format!("{limit} s"),
        format!("{} s", ago.whole_seconds().max(0)),
    );
    Some(
        if ago >= Duration::seconds(i64::from(limit)) {
            Check::passed(rule, "The last order like this was sent long enough ago.")
        } else {
            Check::refused(
                rule,
                format!(
                    "An order just like this was sent {value} ago. If you want another, place it \
                     {limit_text} after the first; ibkr_get_open_orders and ibkr_get_executions \
                     say what became of that."
                ),
            )
        }
        .with(limit_text, value),
    )
}
