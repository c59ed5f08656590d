//! What may be traded, by name. Judged by what TWS says of the instrument, and
//! not by what the order calls it.

use crate::convert::order::order_type_code;
use crate::gate::case::{Case, Known, Lack, Leg, legs};
use crate::gate::config::Allowance;
use crate::gate::situation::Instrument;
use crate::gate::verdict::{Check, Rule};
use crate::gate::words::clean;
use crate::model::{Contract, SecurityType};

/// A name that is held against a list. Some can only be denied.
struct Named {
    name: String,
    only_denied: bool,
}

impl Named {
    fn must_be_allowed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            only_denied: false,
        }
    }

    fn must_not_be_denied(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            only_denied: true,
        }
    }
}

/// The symbols.
pub(super) fn symbols(case: &Case<'_>) -> Option<Check> {
    let of_leg = |_: &Leg<'_>, instrument: &Instrument| {
        Ok(vec![Named::must_be_allowed(&instrument.contract.symbol)])
    };
    list(
        case,
        Rule::Symbols,
        "symbol",
        &case.rules().symbols,
        |_| vec![],
        of_leg,
    )
}

/// The security types.
pub(super) fn security_types(case: &Case<'_>) -> Option<Check> {
    let of_whole = |contract: &Contract| match contract.security_type {
        SecurityType::Combo => vec![Named::must_not_be_denied("BAG")],
        _ => vec![],
    };
    let of_leg = |_: &Leg<'_>, instrument: &Instrument| {
        let code = instrument.contract.security_type.code();
        Ok(vec![Named::must_be_allowed(code)])
    };
    let rule = Rule::SecurityTypes;
    list(
        case,
        rule,
        "security type",
        &case.rules().security_types,
        of_whole,
        of_leg,
    )
}

/// The currencies.
pub(super) fn currencies(case: &Case<'_>) -> Option<Check> {
    let of_leg = |leg: &Leg<'_>, instrument: &Instrument| match &instrument.contract.currency {
        Some(currency) => Ok(vec![Named::must_be_allowed(currency)]),
        None => Err(Lack::new(format!(
            "The currency of conId {} is not known.",
            leg.con_id
        ))),
    };
    let rule = Rule::Currencies;
    list(
        case,
        rule,
        "currency",
        &case.rules().currencies,
        |_| vec![],
        of_leg,
    )
}

/// The exchanges.
pub(super) fn exchanges(case: &Case<'_>) -> Option<Check> {
    let of_whole = |contract: &Contract| match (&contract.security_type, &contract.exchange) {
        (SecurityType::Combo, Some(exchange)) => vec![Named::must_be_allowed(exchange)],
        _ => vec![],
    };
    let of_leg = |leg: &Leg<'_>, instrument: &Instrument| {
        let contract = &instrument.contract;
        let exchange = leg.exchange.or(contract.exchange.as_deref());
        let exchange = exchange.filter(|name| !name.is_empty()).ok_or_else(|| {
            Lack::new(format!(
                "Where conId {} is routed is not known.",
                leg.con_id
            ))
        })?;
        let mut names = vec![Named::must_be_allowed(exchange)];
        let primary = contract.primary_exchange.as_deref();
        names.extend(primary.map(Named::must_not_be_denied));
        Ok(names)
    };
    let rule = Rule::Exchanges;
    list(
        case,
        rule,
        "exchange",
        &case.rules().exchanges,
        of_whole,
        of_leg,
    )
}

/// The order types.
pub(super) fn order_types(case: &Case<'_>) -> Option<Check> {
    let allowance = &case.rules().order_types;
    if !allowance.is_set() {
        return None;
    }
    if case.exercise().is_some() {
        return Some(Check::not_applicable(
            Rule::OrderTypes,
            "An exercise has no order type.",
        ));
    }
    let names = case
        .items()
        .iter()
        .map(|item| Named::must_be_allowed(order_type_code(&item.order.order_type)))
        .collect();
    Some(judge(Rule::OrderTypes, "order type", allowance, names))
}

fn list(
    case: &Case<'_>,
    rule: Rule,
    what: &str,
    allowance: &Allowance,
    of_whole: impl Fn(&Contract) -> Vec<Named>,
    of_leg: impl Fn(&Leg<'_>, &Instrument) -> Known<Vec<Named>>,
) -> Option<Check> {
    if !allowance.is_set() {
        return None;
    }
    let names = || {
        let mut names = Vec::new();
        for contract in case.contracts() {
            names.extend(of_whole(contract));
            for leg in legs(contract)? {
                names.extend(of_leg(&leg, case.instrument(leg.con_id)?)?);
            }
        }
        Ok(names)
    };
    Some(match names() {
        Ok(names) => judge(rule, what, allowance, names),
        Err(Lack(lack)) => Check::refused(rule, lack),
    })
}

fn judge(rule: Rule, what: &str, allowance: &Allowance, names: Vec<Named>) -> Check {
    let refused = names.iter().find(|named| {
        let permitted = named.only_denied || allowance.permits(&named.name);
        !permitted || allowance.denies(&named.name)
    });
    let all: Vec<_> = names.iter().map(|named| clean(&named.name, 20)).collect();
    let value = all.join(", ");
    let limit = allowance.words();
    match refused {
        Some(named) => Check::refused(
            rule,
            format!(
                "The {what} {:?} is not allowed ({limit}). An operator can change that in \
                 [gate.rules].",
                clean(&named.name, 20)
            ),
        ),
        None => Check::passed(rule, format!("Every {what} of the order is allowed.")),
    }
    .with(limit, value)
}
