//! What closes a position does no more than that. This rule is always set.

use rust_decimal::Decimal;

use super::plain;
use crate::gate::case::{Case, Item, Known, Lack, legs, name};
use crate::gate::proposal::Role;
use crate::gate::reach::{Parent, Reach, attachment};
use crate::gate::verdict::{Check, Rule};
use crate::model::SecurityType;

/// Every exit is on the other side of what it closes, and no larger. An exit is
/// what is called so, what has an open order on the same instrument as its
/// parent, and an order of an OCA group against a position that is held.
pub(super) fn exits(case: &Case<'_>) -> Check {
    let mut found = false;
    for item in case.items() {
        match exit(case, &item) {
            Ok(None) => {}
            Ok(Some(Ok(()))) => found = true,
            Ok(Some(Err(sentence))) | Err(Lack(sentence)) => {
                return Check::refused(Rule::Exits, sentence);
            }
        }
    }
    if found {
        Check::passed(Rule::Exits, "Every exit closes what is, or will be, held.")
    } else {
        Check::not_applicable(Rule::Exits, "There is no exit in this order.")
    }
}

/// `None` for what is no exit.
fn exit(case: &Case<'_>, item: &Item<'_>) -> Known<Option<Result<(), String>>> {
    if let Some(parent) = attachment(case, item)? {
        return attached(case, item, &parent).map(Some);
    }
    let in_group = item.order.oca.is_some();
    if item.role != Role::Exit && !in_group {
        return Ok(None);
    }
    let mut exits = item.role == Role::Exit;
    for leg in legs(item.contract)? {
        let held = case.position(leg.con_id)?;
        let buys = leg.bought(item.buys());
        let against = (held.is_sign_positive() != buys) && !held.is_zero();
        if !against && item.role != Role::Exit {
            continue;
        }
        exits = true;
        let others = Reach::of_others(case, item, leg.con_id)?;
        let others = if buys { others.up } else { others.down };
        let left = match against {
            true => held.abs().checked_sub(others).ok_or_else(Lack::overflow)?,
            false => Decimal::ZERO,
        };
        let units = leg.units(item.open)?;
        if units > left.max(Decimal::ZERO) {
            return Ok(Some(Err(format!(
                "An exit of {} {} would do more than close: the account holds {}, of which other \
                 open orders close {}. Make it smaller, or place it as an order of its own.",
                plain(units),
                name(item.contract),
                plain(held),
                plain(others)
            ))));
        }
    }
    Ok(exits.then_some(Ok(())))
}

fn attached(case: &Case<'_>, item: &Item<'_>, parent: &Parent<'_>) -> Known<Result<(), String>> {
    let what = name(item.contract);
    if item.buys() == parent.buys {
        return Ok(Err(format!(
            "An exit of {what} on the same side as its entry would add to the position. Set its \
             action to the other side."
        )));
    }
    if item.order.quantity > parent.quantity {
        return Ok(Err(format!(
            "An exit of {} {what} is larger than its entry of {}, and would turn the position \
             around. Make it as large as the entry, or smaller.",
            plain(item.order.quantity),
            plain(parent.quantity)
        )));
    }
    if item.contract.security_type == SecurityType::Combo {
        return Ok(Ok(()));
    }
    // An entry that closes a position the other way opens only what is left.
    for leg in legs(item.contract)? {
        let held = case.position(leg.con_id)?;
        // What has been filled of the entry is in the position already.
        let before = if parent.buys {
            held.checked_sub(parent.filled)
        } else {
            held.checked_add(parent.filled)
        }
        .ok_or_else(Lack::overflow)?;
        let against = before.is_sign_positive() != parent.buys && !before.is_zero();
        let opened = match against {
            true => parent
                .quantity
                .checked_sub(before.abs())
                .ok_or_else(Lack::overflow)?,
            false => parent.quantity,
        };
        if item.open > opened {
            return Ok(Err(format!(
                "The entry closes {} {what} that the account holds the other way, so that an exit \
                 of {} would open that anew. Make the exit {} at the most.",
                plain(before.abs().min(parent.quantity)),
                plain(item.open),
                plain(opened.max(Decimal::ZERO))
            )));
        }
    }
    Ok(Ok(()))
}
