//! Contracts.

use super::{plain, plain_if_given};
use crate::convert::time;
use crate::model::{ComboLeg, Contract, Error, Result, SecurityType};

/// A contract as a question: it may be incomplete, but not contradictory.
pub(crate) fn contract(contract: &Contract) -> Result<()> {
    texts(contract)?;
    if let Some(con_id) = contract.con_id
        && con_id <= 0
    {
        return Err(Error::invalid(format!(
            "conId {con_id} is not a contract number. Give a positive number, or leave it out."
        )));
    }
    let named = !contract.symbol.trim().is_empty() || contract.local_symbol.is_some();
    if contract.con_id.is_none() && !named {
        return Err(Error::invalid(
            "The contract has no symbol. Give a symbol, for example SPY, or a conId.",
        ));
    }
    if let Some(currency) = &contract.currency
        && !(currency.len() == 3 && currency.chars().all(|c| c.is_ascii_alphabetic()))
    {
        return Err(Error::invalid(format!(
            "{currency:?} is not a currency. Give its ISO 4217 code, for example USD."
        )));
    }
    derivative(contract)?;
    combo(contract)?;
    if contract.security_type == SecurityType::Forex && contract.con_id.is_none() {
        forex(contract)?;
    }
    Ok(())
}

/// A contract that an order can name.
pub(crate) fn tradable(order_contract: &Contract) -> Result<()> {
    contract(order_contract)?;
    let why = match order_contract.security_type {
        SecurityType::Index => {
            "An index cannot be traded. Trade a fund, a future or an option on it."
        }
        SecurityType::ContinuousFuture => {
            "A continuous future cannot be traded. Name the future of one expiry."
        }
        _ => return Ok(()),
    };
    Err(Error::invalid(why))
}

fn texts(contract: &Contract) -> Result<()> {
    plain("symbol", &contract.symbol)?;
    for (field, value) in [
        ("exchange", &contract.exchange),
        ("primaryExchange", &contract.primary_exchange),
        ("currency", &contract.currency),
        ("localSymbol", &contract.local_symbol),
        ("tradingClass", &contract.trading_class),
    ] {
        plain_if_given(field, value.as_ref())?;
    }
    // A conId alone says which instrument it is: then there is no code.
    if let SecurityType::Other(code) = &contract.security_type
        && !(contract.con_id.is_some() && code.is_empty())
    {
        // A conId alone says what it is.
        if contract.con_id.is_none() {
            plain_if_given("secType", Some(code))?;
        }
        plain("secType", code)?;
    }
    Ok(())
}

fn derivative(contract: &Contract) -> Result<()> {
    let code = contract.security_type.code();
    if let Some(expiry) = &contract.expiry
        && time::expiry_to_tws(expiry).is_none()
    {
        return Err(Error::invalid(format!(
            "{expiry:?} is not an expiry. Give a day such as 2026-12-18, or a month such as \
             2026-12."
        )));
    }
    for (field, value) in [
        ("strike", contract.strike),
        ("multiplier", contract.multiplier),
    ] {
        if let Some(value) = value
            && (value.is_sign_negative() || value.is_zero())
        {
            return Err(Error::invalid(format!(
                "{field} {value} is not positive. Give a number above 0, or leave it out."
            )));
        }
    }
    let plain_instrument = matches!(
        contract.security_type,
        SecurityType::Stock | SecurityType::Forex | SecurityType::Index | SecurityType::Crypto
    );
    let optional = contract.strike.is_some() || contract.right.is_some();
    if plain_instrument && (optional || contract.expiry.is_some()) {
        return Err(Error::invalid(format!(
            "A contract of type {code} has no expiry, strike or right. Leave them out, or set \
             secType to OPT or FUT."
        )));
    }
    let future = matches!(
        contract.security_type,
        SecurityType::Future | SecurityType::ContinuousFuture
    );
    if future && optional {
        return Err(Error::invalid(
            "A future has no strike and no right. Leave them out, or set secType to FOP for an \
             option on a future.",
        ));
    }
    Ok(())
}

fn combo(contract: &Contract) -> Result<()> {
    let legs = &contract.combo_legs;
    if contract.security_type != SecurityType::Combo {
        return if legs.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(
                "Only a combo has legs. Set secType to BAG, or leave the legs out.",
            ))
        };
    }
    if legs.len() < 2 {
        return Err(Error::invalid(format!(
            "A combo of {} legs is no combo. Give at least two legs, each with conId, ratio, \
             action and exchange.",
            legs.len()
        )));
    }
    legs.iter().try_for_each(leg)
}

fn leg(leg: &ComboLeg) -> Result<()> {
    plain("exchange", &leg.exchange)?;
    if leg.con_id <= 0 {
        return Err(Error::invalid(format!(
            "conId {} of a leg is not a contract number. Look it up with \
             ibkr_get_contract_details.",
            leg.con_id
        )));
    }
    if leg.ratio == 0 || i32::try_from(leg.ratio).is_err() {
        return Err(Error::invalid(format!(
            "The ratio {} of a leg is out of range. Give how many of the leg make one combo: 1 or \
             more.",
            leg.ratio
        )));
    }
    if leg.exchange.trim().is_empty() {
        return Err(Error::invalid(
            "A leg has no exchange. Give where it is routed, for example SMART.",
        ));
    }
    Ok(())
}

fn forex(contract: &Contract) -> Result<()> {
    let symbol = contract.symbol.trim();
    match &contract.currency {
        _ if contract.local_symbol.is_some() => Ok(()),
        Some(currency) if currency.eq_ignore_ascii_case(symbol) => Err(Error::invalid(format!(
            "{symbol}.{currency} is not a pair. Give the base currency as symbol and the other as \
             currency, for example EUR and USD."
        ))),
        Some(_) => Ok(()),
        None => Err(Error::invalid(
            "A currency pair needs both sides. Give the base currency as symbol and the other as \
             currency, for example EUR and USD.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::model::{Action, OptionRight};

    fn spy() -> Contract {
        Contract::us_stock("SPY")
    }

    fn of(kind: SecurityType) -> Contract {
        Contract {
            security_type: kind,
            ..spy()
        }
    }

    #[test]
    fn sensible_questions_pass() {
        let by_number = Contract {
            con_id: Some(756_733),
            ..Contract::new("", SecurityType::Stock)
        };
        let untyped = Contract {
            con_id: Some(756_733),
            ..Contract::new("", SecurityType::Other(String::new()))
        };
        let chain = Contract {
            expiry: Some("2026-12".into()),
            ..of(SecurityType::Option)
        };
        let pair = Contract {
            symbol: "EUR".into(),
            ..of(SecurityType::Forex)
        };
        for question in [
            spy(),
            by_number,
            untyped,
            chain,
            pair,
            of(SecurityType::Other("NEWS".into())),
        ] {
            assert_eq!(contract(&question), Ok(()), "{question:?}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let leg = |con_id, ratio, exchange: &str| ComboLeg {
            con_id,
            ratio,
            action: Action::Buy,
            exchange: exchange.into(),
        };
        let bag = |legs: Vec<ComboLeg>| Contract {
            combo_legs: legs,
            ..of(SecurityType::Combo)
        };
        let wrong = [
            Contract {
                symbol: "  ".into(),
                ..spy()
            },
            Contract {
                symbol: "S\0PY".into(),
                ..spy()
            },
            Contract {
                symbol: "S".repeat(300),
                ..spy()
            },
            Contract {
                con_id: Some(-5),
                ..spy()
            },
            Contract {
                currency: Some("dollars".into()),
                ..spy()
            },
            Contract {
                exchange: Some(String::new()),
                ..spy()
            },
            Contract {
                strike: Some(Decimal::from(500)),
                ..spy()
            },
            Contract {
                right: Some(OptionRight::Call),
                ..of(SecurityType::Future)
            },
            Contract {
                strike: Some(Decimal::from(-1)),
                ..of(SecurityType::Option)
            },
            Contract {
                multiplier: Some(Decimal::ZERO),
                ..of(SecurityType::Option)
            },
            Contract {
                expiry: Some("20261218".into()),
                ..of(SecurityType::Option)
            },
            Contract {
                symbol: "USD".into(),
                ..of(SecurityType::Forex)
            },
            Contract {
                symbol: "EUR".into(),
                currency: None,
                ..of(SecurityType::Forex)
            },
            Contract {
                combo_legs: vec![leg(1, 1, "SMART")],
                ..spy()
            },
            bag(vec![leg(1, 1, "SMART")]),
            bag(vec![leg(1, 1, "SMART"), leg(0, 1, "SMART")]),
            bag(vec![leg(1, 1, "SMART"), leg(2, 0, "SMART")]),
            bag(vec![leg(1, 1, "SMART"), leg(2, 1, "")]),
            of(SecurityType::Other(String::new())),
        ];
        for question in wrong {
            assert!(
                matches!(contract(&question), Err(Error::InvalidRequest(_))),
                "{question:?}"
            );
        }
    }

    #[test]
    fn an_index_is_no_instrument_to_trade() {
        let index = of(SecurityType::Index);
        assert_eq!(contract(&index), Ok(()));
        assert!(tradable(&index).is_err());
        assert_eq!(tradable(&spy()), Ok(()));
    }
}
