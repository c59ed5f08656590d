//! A contract as the journal writes it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{action, action_code};
use crate::journal::exact;
use crate::model::{ComboLeg, Contract, OptionRight, SecurityType};

/// A contract ([`Contract`]) as the journal writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractRecord {
    /// IBKR's number of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub con_id: Option<i32>,
    /// Ticker symbol.
    pub symbol: String,
    /// TWS's code of the security type, for example `STK`.
    pub sec_type: String,
    /// Expiry: a day or a month, in ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_trade_date_or_contract_month: Option<String>,
    /// Strike price.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub strike: Option<Decimal>,
    /// `C` or `P`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// Units of the underlying in one contract.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub multiplier: Option<Decimal>,
    /// Where it is traded or routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// The listing exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_exchange: Option<String>,
    /// ISO 4217 code of its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The exchange's own symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_symbol: Option<String>,
    /// The trading class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trading_class: Option<String>,
    /// Whether expired contracts count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_expired: bool,
    /// The legs of a combo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub combo_legs: Vec<ComboLegRecord>,
}

/// One leg of a combo ([`ComboLeg`]) as the journal writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComboLegRecord {
    /// The leg's contract.
    pub con_id: i32,
    /// How many of it make one combo.
    pub ratio: u32,
    /// `BUY`, `SELL` or `SSHORT`.
    pub action: String,
    /// Where it is routed.
    pub exchange: String,
}

impl From<&Contract> for ContractRecord {
    fn from(contract: &Contract) -> Self {
        let right = contract.right.map(|right| match right {
            OptionRight::Call => "C".to_owned(),
            OptionRight::Put => "P".to_owned(),
        });
        Self {
            con_id: contract.con_id,
            symbol: contract.symbol.clone(),
            sec_type: contract.security_type.code().to_owned(),
            last_trade_date_or_contract_month: contract.expiry.clone(),
            strike: contract.strike,
            right,
            multiplier: contract.multiplier,
            exchange: contract.exchange.clone(),
            primary_exchange: contract.primary_exchange.clone(),
            currency: contract.currency.clone(),
            local_symbol: contract.local_symbol.clone(),
            trading_class: contract.trading_class.clone(),
            include_expired: contract.include_expired,
            combo_legs: contract.combo_legs.iter().map(leg_record).collect(),
        }
    }
}

fn leg_record(leg: &ComboLeg) -> ComboLegRecord {
    ComboLegRecord {
        con_id: leg.con_id,
        ratio: leg.ratio,
        action: action_code(leg.action).to_owned(),
        exchange: leg.exchange.clone(),
    }
}

impl ContractRecord {
    /// The contract. `None` if a code in it is not one of TWS's.
    #[must_use]
    pub fn to_contract(&self) -> Option<Contract> {
        let right = match self.right.as_deref() {
            None => None,
            Some("C") => Some(OptionRight::Call),
            Some("P") => Some(OptionRight::Put),
            Some(_) => return None,
        };
        let legs = self.combo_legs.iter().map(|leg| {
            Some(ComboLeg {
                con_id: leg.con_id,
                ratio: leg.ratio,
                action: action(&leg.action)?,
                exchange: leg.exchange.clone(),
            })
        });
        Some(Contract {
            con_id: self.con_id,
            symbol: self.symbol.clone(),
            security_type: security_type(&self.sec_type),
            expiry: self.last_trade_date_or_contract_month.clone(),
            strike: self.strike,
            right,
            multiplier: self.multiplier,
            exchange: self.exchange.clone(),
            primary_exchange: self.primary_exchange.clone(),
            currency: self.currency.clone(),
            local_symbol: self.local_symbol.clone(),
            trading_class: self.trading_class.clone(),
            include_expired: self.include_expired,
            combo_legs: legs.collect::<Option<_>>()?,
        })
    }

    /// The instrument in a few words: `SPY STK`, `SPY OPT 2026-12-18 600 C`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = vec![self.symbol.clone(), self.sec_type.clone()];
        words.extend(self.last_trade_date_or_contract_month.clone());
        words.extend(self.strike.map(|strike| strike.to_string()));
        words.extend(self.right.clone());
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }
}

/// The security type of a code. What has no name here keeps its code.
fn security_type(code: &str) -> SecurityType {
    let named = [
        SecurityType::Stock,
        SecurityType::Option,
        SecurityType::Future,
        SecurityType::ContinuousFuture,
        SecurityType::FutureOption,
        SecurityType::Forex,
        SecurityType::Index,
        SecurityType::Cfd,
        SecurityType::Bond,
        SecurityType::Fund,
        SecurityType::Warrant,
        SecurityType::Commodity,
        SecurityType::Crypto,
        SecurityType::Combo,
    ];
    named
        .into_iter()
        .find(|kind| kind.code() == code)
        .unwrap_or_else(|| SecurityType::Other(code.to_owned()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::model::Action;

    #[test]
    fn a_contract_comes_back_as_it_was() {
        let option = Contract {
            con_id: Some(7),
            expiry: Some("2026-12-18".into()),
            strike: Some("600.50".parse().unwrap()),
            right: Some(OptionRight::Put),
            multiplier: Some(Decimal::ONE_HUNDRED),
            primary_exchange: Some("CBOE".into()),
            local_symbol: Some("SPY   261218P00600500".into()),
            trading_class: Some("SPY".into()),
            include_expired: true,
            ..Contract::us_stock("SPY")
        };
        let leg = |con_id, action| ComboLeg {
            con_id,
            ratio: 2,
            action,
            exchange: "SMART".into(),
        };
        let combo = Contract {
            combo_legs: vec![leg(1, Action::Buy), leg(2, Action::SellShort)],
            ..Contract::new("SPY", SecurityType::Combo)
        };
        let odd = Contract::new("X", SecurityType::Other("ODD".into()));
        for contract in [option, combo, odd, Contract::us_stock("AAPL")] {
            let record = ContractRecord::from(&contract);
            let text = serde_json::to_string(&record).unwrap();
            let back: ContractRecord = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_contract(), Some(contract), "{text}");
        }
    }

    #[test]
    fn an_unknown_code_is_no_contract() {
        let mut record = ContractRecord::from(&Contract::us_stock("SPY"));
        record.right = Some("X".into());
        assert_eq!(record.to_contract(), None);
    }
}
