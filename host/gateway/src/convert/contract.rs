//! Contracts.

use ibapi::contracts as ib;
use rust_decimal::Decimal;

use super::{decimal, text, time};
use crate::model::{Action, ComboLeg, Contract, OptionRight, SecurityType};

/// TWS's code of a security type.
pub(crate) fn security_type_code(kind: &SecurityType) -> &str {
    kind.code()
}

fn security_type(code: &str) -> SecurityType {
    match code {
        "STK" => SecurityType::Stock,
        "OPT" => SecurityType::Option,
        "FUT" => SecurityType::Future,
        "CONTFUT" => SecurityType::ContinuousFuture,
        "FOP" => SecurityType::FutureOption,
        "CASH" => SecurityType::Forex,
        "IND" => SecurityType::Index,
        "CFD" => SecurityType::Cfd,
        "BOND" => SecurityType::Bond,
        "FUND" => SecurityType::Fund,
        "WAR" => SecurityType::Warrant,
        "CMDTY" => SecurityType::Commodity,
        "CRYPTO" => SecurityType::Crypto,
        "BAG" => SecurityType::Combo,
        other => SecurityType::Other(other.to_owned()),
    }
}

/// A contract as TWS gave it.
pub(crate) fn from_tws(contract: &ib::Contract) -> Contract {
    Contract {
        con_id: (contract.contract_id != 0).then_some(contract.contract_id),
        symbol: contract.symbol.to_string(),
        security_type: security_type(contract.security_type.as_str()),
        expiry: time::expiry_from_tws(&contract.last_trade_date_or_contract_month),
        strike: decimal::non_zero(contract.strike),
        right: contract.right.as_ref().map(|right| match right {
            ib::OptionRight::Call => OptionRight::Call,
            ib::OptionRight::Put => OptionRight::Put,
        }),
        multiplier: decimal::parse(&contract.multiplier)
            .map(|multiplier| multiplier.normalize())
            .filter(|multiplier| !multiplier.is_zero()),
        exchange: text(contract.exchange.as_str()),
        primary_exchange: text(contract.primary_exchange.as_str()),
        currency: text(contract.currency.as_str()),
        local_symbol: text(&contract.local_symbol),
        trading_class: text(&contract.trading_class),
        include_expired: contract.include_expired,
        combo_legs: contract.combo_legs.iter().map(leg_from_tws).collect(),
    }
}

fn leg_from_tws(leg: &ib::ComboLeg) -> ComboLeg {
    ComboLeg {
        con_id: leg.contract_id,
        ratio: leg.ratio.unsigned_abs(),
        action: match leg.action {
            ib::LegAction::Buy => Action::Buy,
            ib::LegAction::Sell => Action::Sell,
            ib::LegAction::SellShort => Action::SellShort,
        },
        exchange: leg.exchange.clone(),
    }
}

/// A contract as TWS takes it. What is absent stays absent on the wire.
pub(crate) fn to_tws(contract: &Contract) -> ib::Contract {
    let code = security_type_code(&contract.security_type);
    let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
    let plain = |value: Decimal| value.normalize().to_string();
    ib::Contract {
        contract_id: contract.con_id.unwrap_or_default(),
        symbol: contract.symbol.trim().into(),
        security_type: code
            .parse()
            .unwrap_or_else(|_| ib::SecurityType::Other(code.to_owned())),
        last_trade_date_or_contract_month: contract
            .expiry
            .as_deref()
            .and_then(time::expiry_to_tws)
            .unwrap_or_default(),
        strike: contract.strike.map(decimal::float).unwrap_or_default(),
        right: contract.right.map(|right| match right {
            OptionRight::Call => ib::OptionRight::Call,
            OptionRight::Put => ib::OptionRight::Put,
        }),
        multiplier: contract.multiplier.map(plain).unwrap_or_default(),
        exchange: or_empty(&contract.exchange).into(),
        primary_exchange: or_empty(&contract.primary_exchange).into(),
        currency: or_empty(&contract.currency).into(),
        local_symbol: or_empty(&contract.local_symbol),
        trading_class: or_empty(&contract.trading_class),
        include_expired: contract.include_expired,
        combo_legs: contract.combo_legs.iter().map(leg_to_tws).collect(),
        ..ib::Contract::default()
    }
}

fn leg_to_tws(leg: &ComboLeg) -> ib::ComboLeg {
    ib::ComboLeg {
        contract_id: leg.con_id,
        ratio: i32::try_from(leg.ratio).unwrap_or(i32::MAX),
        action: match leg.action {
            Action::Buy => ib::LegAction::Buy,
            Action::Sell => ib::LegAction::Sell,
            Action::SellShort => ib::LegAction::SellShort,
        },
        exchange: leg.exchange.clone(),
        // -1: not exempt from the short sale rule.
        exempt_code: -1,
        ..ib::ComboLeg::default()
    }
}

/// The contract in a few words, for sentences: `SPY`, `SPY 2026-12-18 500 C`,
/// `EUR.USD`, `conId 756733`.
pub(crate) fn describe(contract: &Contract) -> String {
    let mut words = match (&contract.symbol, &contract.currency, &contract.local_symbol) {
        (symbol, Some(currency), _) if contract.security_type == SecurityType::Forex => {
            format!("{symbol}.{currency}")
        }
        (symbol, ..) if !symbol.trim().is_empty() => symbol.trim().to_owned(),
        (_, _, Some(local)) => local.clone(),
        _ => format!("conId {}", contract.con_id.unwrap_or_default()),
    };
    if let Some(expiry) = &contract.expiry {
        words.push_str(&format!(" {expiry}"));
    }
    if let Some(strike) = contract.strike {
        words.push_str(&format!(" {strike}"));
    }
    match contract.right {
        Some(OptionRight::Call) => words.push_str(" C"),
        Some(OptionRight::Put) => words.push_str(" P"),
        None => {}
    }
    words
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn a_contract_survives_the_way_to_tws_and_back() {
        let option = Contract {
            con_id: Some(42),
            expiry: Some("2026-12-18".into()),
            strike: Some(Decimal::new(4505, 1)),
            right: Some(OptionRight::Put),
            multiplier: Some(Decimal::from(100)),
            trading_class: Some("SPXW".into()),
            local_symbol: Some("SPXW  261218P00450500".into()),
            security_type: SecurityType::Option,
            ..Contract::us_stock("SPX")
        };
        let combo = Contract {
            security_type: SecurityType::Combo,
            combo_legs: vec![ComboLeg {
                con_id: 7,
                ratio: 2,
                action: Action::Sell,
                exchange: "SMART".into(),
            }],
            ..Contract::us_stock("SPY")
        };
        let odd = Contract::new("X", SecurityType::Other("ODD".into()));
        for contract in [option, combo, odd] {
            assert_eq!(from_tws(&to_tws(&contract)), contract);
        }
    }

    #[test]
    fn a_contract_is_named_in_few_words() {
        assert_eq!(describe(&Contract::us_stock("SPY")), "SPY");
        let pair = Contract {
            currency: Some("USD".into()),
            ..Contract::new("EUR", SecurityType::Forex)
        };
        assert_eq!(describe(&pair), "EUR.USD");
        let number = Contract {
            con_id: Some(5),
            ..Contract::new("", SecurityType::Stock)
        };
        assert_eq!(describe(&number), "conId 5");
    }
}
