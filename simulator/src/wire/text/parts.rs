//! The parts that several text messages share: contracts, legs, conditions.

use super::fields::Fields;
use crate::wire::proto;

/// The security type of a combination, whose messages carry its legs.
pub(super) const COMBO: &str = "BAG";

/// Whether a text field has something in it.
pub(super) fn is_filled(field: &Option<String>) -> bool {
    field.as_deref().is_some_and(|text| !text.is_empty())
}

/// Whether a contract is a combination.
pub(super) fn is_combo(contract: &Option<proto::Contract>) -> bool {
    contract
        .as_ref()
        .is_some_and(|contract| contract.sec_type.as_deref() == Some(COMBO))
}

/// The fields that make out an instrument, up to its multiplier.
fn identity<F: Fields>(f: &mut F, contract: &mut proto::Contract) -> Result<(), F::Error> {
    f.int(&mut contract.con_id)?;
    f.text(&mut contract.symbol)?;
    f.text(&mut contract.sec_type)?;
    f.text(&mut contract.last_trade_date_or_contract_month)?;
    f.double(&mut contract.strike)?;
    f.text(&mut contract.right)?;
    f.double(&mut contract.multiplier)
}

/// The fields that say how an instrument is traded, after its exchange.
fn trading<F: Fields>(f: &mut F, contract: &mut proto::Contract) -> Result<(), F::Error> {
    f.text(&mut contract.currency)?;
    f.text(&mut contract.local_symbol)?;
    f.text(&mut contract.trading_class)
}

/// A contract in a request: with both of its exchanges.
pub(super) fn asked<F: Fields>(
    f: &mut F,
    contract: &mut Option<proto::Contract>,
) -> Result<(), F::Error> {
    f.part(contract, |f, contract| {
        identity(f, contract)?;
        f.text(&mut contract.exchange)?;
        f.text(&mut contract.primary_exch)?;
        trading(f, contract)
    })
}

/// A contract in an answer: with the exchange it trades on.
pub(super) fn told<F: Fields>(
    f: &mut F,
    contract: &mut Option<proto::Contract>,
) -> Result<(), F::Error> {
    f.part(contract, |f, contract| {
        identity(f, contract)?;
        f.text(&mut contract.exchange)?;
        trading(f, contract)
    })
}

/// A contract in a portfolio: with the exchange that lists it.
pub(super) fn held<F: Fields>(
    f: &mut F,
    contract: &mut Option<proto::Contract>,
) -> Result<(), F::Error> {
    f.part(contract, |f, contract| {
        identity(f, contract)?;
        f.text(&mut contract.primary_exch)?;
        trading(f, contract)
    })
}

/// Whether expired contracts are meant too, which the contract says last.
pub(super) fn include_expired<F: Fields>(
    f: &mut F,
    contract: &mut Option<proto::Contract>,
) -> Result<(), F::Error> {
    f.part(contract, |f, contract| {
        f.flag(&mut contract.include_expired)
    })
}

/// The legs of a combination whose data is asked for.
pub(super) fn short_legs<F: Fields>(
    f: &mut F,
    contract: &mut Option<proto::Contract>,
) -> Result<(), F::Error> {
    if !is_combo(contract) {
        return Ok(());
    }
    f.part(contract, |f, contract| {
        f.list(&mut contract.combo_legs, |f, leg| {
            f.int(&mut leg.con_id)?;
            f.int(&mut leg.ratio)?;
            f.text(&mut leg.action)?;
            f.text(&mut leg.exchange)
        })
    })
}

/// The legs of a combination that is traded, with all they have, then their prices.
pub(super) fn full_legs<F: Fields>(
    f: &mut F,
    contract: &mut proto::Contract,
) -> Result<(), F::Error> {
    f.list(&mut contract.combo_legs, |f, leg| {
        f.int(&mut leg.con_id)?;
        f.int(&mut leg.ratio)?;
        f.text(&mut leg.action)?;
        f.text(&mut leg.exchange)?;
        f.int(&mut leg.open_close)?;
        f.int(&mut leg.short_sales_slot)?;
        f.text(&mut leg.designated_location)?;
        f.int(&mut leg.exempt_code)
    })?;
    let mut prices: Vec<Option<f64>> = Vec::new();
    if contract
        .combo_legs
        .iter()
        .any(|leg| leg.per_leg_price.is_some())
    {
        prices.extend(contract.combo_legs.iter().map(|leg| leg.per_leg_price));
    }
    f.list(&mut prices, |f, price| f.double(price))?;
    for (leg, price) in contract.combo_legs.iter_mut().zip(prices) {
        leg.per_leg_price = price;
    }
    Ok(())
}

/// The hedge of a delta-neutral combination: whether there is one, and which.
pub(super) fn delta_neutral<F: Fields>(
    f: &mut F,
    contract: &mut proto::Contract,
) -> Result<(), F::Error> {
    let mut is_there = contract.delta_neutral_contract.is_some().then_some(true);
    f.flag(&mut is_there)?;
    if is_there.is_none() {
        return Ok(());
    }
    f.part(&mut contract.delta_neutral_contract, |f, hedge| {
        f.int(&mut hedge.con_id)?;
        f.double(&mut hedge.delta)?;
        f.double(&mut hedge.price)
    })
}

/// An order's conditions; what they do when they are met follows if there are any.
pub(super) fn conditions<F: Fields>(f: &mut F, order: &mut proto::Order) -> Result<(), F::Error> {
    f.list(&mut order.conditions, condition)?;
    if !order.conditions.is_empty() {
        f.flag(&mut order.conditions_ignore_rth)?;
        f.flag(&mut order.conditions_cancel_order)?;
    }
    Ok(())
}

fn condition<F: Fields>(f: &mut F, condition: &mut proto::OrderCondition) -> Result<(), F::Error> {
    f.int(&mut condition.r#type)?;
    // "a" joins with and, "o" with or.
    let is_and = condition.is_conjunction_connection.unwrap_or_default();
    let mut conjunction = Some(String::from(if is_and { "a" } else { "o" }));
    f.text(&mut conjunction)?;
    condition.is_conjunction_connection = (conjunction.as_deref() == Some("a")).then_some(true);
    match condition.r#type.unwrap_or_default() {
        1 => {
            f.flag(&mut condition.is_more)?;
            f.double(&mut condition.price)?;
            f.int(&mut condition.con_id)?;
            f.text(&mut condition.exchange)?;
            f.int(&mut condition.trigger_method)
        }
        3 => {
            f.flag(&mut condition.is_more)?;
            f.text(&mut condition.time)
        }
        4 => {
            f.flag(&mut condition.is_more)?;
            f.int(&mut condition.percent)
        }
        5 => {
            f.text(&mut condition.sec_type)?;
            f.text(&mut condition.exchange)?;
            f.text(&mut condition.symbol)
        }
        6 => {
            f.flag(&mut condition.is_more)?;
            f.int(&mut condition.volume)?;
            f.int(&mut condition.con_id)?;
            f.text(&mut condition.exchange)
        }
        7 => {
            f.flag(&mut condition.is_more)?;
            f.double(&mut condition.change_percent)?;
            f.int(&mut condition.con_id)?;
            f.text(&mut condition.exchange)
        }
        _ => Ok(()),
    }
}
