//! When orders may be sent.

use time::OffsetDateTime;

use crate::gate::case::{Case, Known, Lack, legs, name};
use crate::gate::config::Hours;
use crate::gate::verdict::{Check, Rule};

/// It is not a time without new orders.
pub(super) fn blackout(case: &Case<'_>) -> Option<Check> {
    let windows = &case.rules().blackout;
    if windows.is_empty() {
        return None;
    }
    let now = case.situation.now;
    let closed = windows
        .iter()
        .find(|window| window.holds(now).unwrap_or(true));
    Some(match closed {
        Some(window) => Check::refused(
            Rule::Blackout,
            format!(
                "There are no new orders from {} to {} ({}). Try again after that.",
                window.from, window.to, window.zone
            ),
        ),
        None => Check::passed(Rule::Blackout, "This is no time without new orders."),
    })
}

/// The instrument trades now.
pub(super) fn hours(case: &Case<'_>) -> Option<Check> {
    let hours = case.rules().hours?;
    Some(in_hours(case, hours).unwrap_or_else(|Lack(lack)| Check::refused(Rule::Hours, lack)))
}

fn in_hours(case: &Case<'_>, hours: Hours) -> Known<Check> {
    let words = match hours {
        Hours::Regular => "regular trading hours",
        Hours::Extended => "trading hours",
    };
    let outside = case
        .items()
        .iter()
        .any(|item| item.order.outside_regular_hours);
    if hours == Hours::Regular && outside {
        return Ok(Check::refused(
            Rule::Hours,
            "Orders that may fill outside regular trading hours are not allowed. Set outsideRth \
             to false.",
        ));
    }
    let now = case.situation.now;
    for contract in case.contracts() {
        for leg in legs(contract)? {
            let instrument = case.instrument(leg.con_id)?;
            let sessions = match hours {
                Hours::Regular => &instrument.liquid_sessions,
                Hours::Extended => &instrument.trading_sessions,
            };
            let what = name(&instrument.contract);
            if sessions.is_empty() {
                return Err(Lack::new(format!("When {what} trades is not known.")));
            }
            let open = |moment: OffsetDateTime| {
                sessions
                    .iter()
                    .any(|session| session.opens <= moment && moment < session.closes)
            };
            if !open(now) {
                let next = sessions.iter().map(|session| session.opens);
                let next = next.filter(|opens| *opens > now).min();
                let when = next.map_or_else(String::new, |next| format!(" It opens at {next}."));
                return Ok(Check::refused(
                    Rule::Hours,
                    format!("{what} is outside its {words} now.{when}"),
                ));
            }
        }
    }
    Ok(Check::passed(
        Rule::Hours,
        format!("Everything in the order is within its {words}."),
    ))
}
