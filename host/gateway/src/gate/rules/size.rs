//! How large an order is: its quantity, its value, its share of the account.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::plain;
use crate::gate::case::{Case, Item, Known, Lack, legs, name};
use crate::gate::price::{unit_value, value};
use crate::gate::reach::{attachment, delivered, groups};
use crate::gate::verdict::{Check, Rule};

/// No order is of more than this quantity.
pub(super) fn quantity(case: &Case<'_>) -> Option<Check> {
    let rules = case.rules();
    if rules.max_quantity.is_none() && rules.max_quantity_of.is_empty() {
        return None;
    }
    let check =
        within_quantity(case).unwrap_or_else(|Lack(lack)| Check::refused(Rule::MaxQuantity, lack));
    Some(check)
}

fn within_quantity(case: &Case<'_>) -> Known<Check> {
    let rule = Rule::MaxQuantity;
    let mut largest: Option<(Decimal, Decimal)> = None;
    let replaced = case.before().map(|before| before.order.quantity);
    let mut orders: Vec<_> = case
        .items()
        .iter()
        .map(|item| (item.contract, item.order.quantity))
        .collect();
    orders.extend(
        case.exercise()
            .map(|exercise| (&exercise.contract, exercise.quantity)),
    );
    for (contract, quantity) in orders {
        for leg in legs(contract)? {
            let Some(limit) = limit_of(
                case,
                leg.con_id,
                &case.rules().max_quantity_of,
                case.rules().max_quantity,
            )?
            else {
                continue;
            };
            let units = leg.units(quantity)?;
            let grows = replaced.is_none_or(|replaced| quantity > replaced);
            if units > limit && grows {
                return Ok(Check::refused(
                    rule,
                    format!(
                        "{} {} is more than the {} that one order may be of. Order less.",
                        plain(units),
                        name(contract),
                        plain(limit)
                    ),
                )
                .with(plain(limit), plain(units)));
            }
            if largest.is_none_or(|(_, most)| units > most) {
                largest = Some((limit, units));
            }
        }
    }
    Ok(match largest {
        Some((limit, units)) => {
            Check::passed(rule, "No order is larger than one may be, or than it was.")
                .with(plain(limit), plain(units))
        }
        None => Check::not_applicable(rule, "There is no limit for this security type."),
    })
}

/// The limit of the instrument's security type, or else the general one.
pub(super) fn limit_of(
    case: &Case<'_>,
    con_id: i32,
    by_type: &BTreeMap<String, Decimal>,
    general: Option<Decimal>,
) -> Known<Option<Decimal>> {
    if by_type.is_empty() {
        return Ok(general);
    }
    let code = case.instrument(con_id)?.contract.security_type.code();
    Ok(by_type.get(code).copied().or(general))
}

/// What the proposal is worth in the base currency at the worst. `None` if it
/// has only exits, which are worth what their entries were.
pub(in crate::gate) fn worth(case: &Case<'_>) -> Known<Option<Decimal>> {
    if let Some(exercise) = case.exercise() {
        return exercised(case, exercise).map(Some);
    }
    let mut by_group: BTreeMap<usize, Decimal> = BTreeMap::new();
    for (item, group) in case.items().iter().zip(groups(case)) {
        if attachment(case, item)?.is_some() {
            continue;
        }
        let worth = value(case, item)?;
        let most = by_group.entry(group).or_default();
        *most = worth.max(*most);
    }
    if by_group.is_empty() {
        return Ok(None);
    }
    let sum = by_group
        .values()
        .try_fold(Decimal::ZERO, |sum, worth| sum.checked_add(*worth));
    sum.map(Some).ok_or_else(Lack::overflow)
}

/// What is paid or received for what the exercise delivers.
fn exercised(case: &Case<'_>, exercise: &crate::gate::Exercise) -> Known<Decimal> {
    if !exercise.exercise {
        return Ok(Decimal::ZERO);
    }
    // Also makes sure that it is an option.
    delivered(case, exercise)?;
    let mut sum = Decimal::ZERO;
    for leg in legs(&exercise.contract)? {
        let instrument = case.instrument(leg.con_id)?;
        let contract = &instrument.contract;
        let strike = contract
            .strike
            .ok_or_else(|| Lack::new(format!("The strike of {} is not known.", name(contract))))?;
        let each = unit_value(case, instrument, strike)?;
        sum = each
            .checked_mul(exercise.quantity)
            .and_then(|worth| sum.checked_add(worth))
            .ok_or_else(Lack::overflow)?;
    }
    Ok(sum)
}

/// Whether the order is worth no more than the one it replaces.
fn adds_nothing(case: &Case<'_>, worth: Decimal) -> bool {
    let replaced = |before: Item<'_>| value(case, &before).ok();
    case.before()
        .and_then(replaced)
        .is_some_and(|before| worth <= before)
}

/// The order is worth no more than this.
pub(super) fn notional(case: &Case<'_>) -> Option<Check> {
    let rule = Rule::MaxNotional;
    let limit = case.rules().max_notional?;
    let base = &case.config.base_currency;
    let money = |amount| format!("{} {base}", plain(amount));
    Some(match worth(case) {
        Err(Lack(lack)) => Check::refused(
            rule,
            format!(
                "{lack} So what the order is worth is not known, and it may be worth {} at \
                     the most.",
                money(limit)
            ),
        ),
        Ok(None) => Check::not_applicable(rule, "Exits are worth what their entries were."),
        Ok(Some(worth)) if worth <= limit => Check::passed(
            rule,
            format!("The order is worth {} at the most.", money(worth)),
        )
        .with(money(limit), money(worth)),
        Ok(Some(worth)) if adds_nothing(case, worth) => Check::passed(
            rule,
            "The order is worth more than one may be, but no more than it was.",
        )
        .with(money(limit), money(worth)),
        Ok(Some(worth)) => Check::refused(
            rule,
            format!(
                "The order may be worth {}, and one order may be worth {}. Order less.",
                money(worth),
                money(limit)
            ),
        )
        .with(money(limit), money(worth)),
    })
}

/// The order is no more than this share of the account.
pub(super) fn share(case: &Case<'_>) -> Option<Check> {
    let limit = case.rules().max_percent_of_net_liquidation?;
    let check = within_share(case, limit)
        .unwrap_or_else(|Lack(lack)| Check::refused(Rule::MaxPercentOfNetLiquidation, lack));
    Some(check)
}

fn within_share(case: &Case<'_>, limit: Decimal) -> Known<Check> {
    let rule = Rule::MaxPercentOfNetLiquidation;
    let Some(worth) = worth(case)? else {
        return Ok(Check::not_applicable(
            rule,
            "Exits are worth what their entries were.",
        ));
    };
    let account = &case.proposal.account;
    let seconds = case.config.account_seconds;
    let seen = case.situation.net_liquidation.get(account);
    let seen = seen
        .filter(|seen| case.is_fresh(seen.as_of, seconds))
        .ok_or_else(|| {
            Lack::new(format!(
                "The net liquidation value of the account is not known, or older than {seconds} s."
            ))
        })?;
    let all = case.base_amount(seen.amount, &seen.currency)?;
    let hundredfold = |amount: Decimal| {
        amount
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or_else(Lack::overflow)
    };
    let allowed = all.checked_mul(limit).ok_or_else(Lack::overflow)?;
    let per_cent = |percent: Decimal| format!("{} %", plain(percent));
    let value = match hundredfold(worth)?.checked_div(all) {
        Some(percent) if all > Decimal::ZERO => per_cent(percent),
        _ => "more than all".to_owned(),
    };
    let fits = hundredfold(worth)? <= allowed;
    Ok(if fits || adds_nothing(case, worth) {
        Check::passed(
            rule,
            "The order is no larger a share of the account than one may be, or than it was.",
        )
    } else {
        Check::refused(
            rule,
            format!(
                "The order may be {value} of the account's net liquidation value, and one order \
                 may be {}. Order less.",
                per_cent(limit)
            ),
        )
    }
    .with(per_cent(limit), value))
}
