//! Instruments.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Decimal;
use crate::broker::contracts as details;
use crate::broker::types as wit;
use crate::time::Timestamp;

/// TWS's code of a security type.
pub(crate) fn security_type_code(security_type: &wit::SecurityType) -> &str {
    match security_type {
        wit::SecurityType::Stock => "STK",
        wit::SecurityType::Option => "OPT",
        wit::SecurityType::Future => "FUT",
        wit::SecurityType::ContinuousFuture => "CONTFUT",
        wit::SecurityType::FutureOption => "FOP",
        wit::SecurityType::Forex => "CASH",
        wit::SecurityType::Index => "IND",
        wit::SecurityType::Cfd => "CFD",
        wit::SecurityType::Bond => "BOND",
        wit::SecurityType::Fund => "FUND",
        wit::SecurityType::Warrant => "WAR",
        wit::SecurityType::Commodity => "CMDTY",
        wit::SecurityType::Crypto => "CRYPTO",
        wit::SecurityType::Combo => "BAG",
        wit::SecurityType::Other(code) => code,
    }
}

/// One leg of a combo.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ComboLeg {
    con_id: i32,
    ratio: u32,
    action: &'static str,
    exchange: String,
}

/// An instrument as TWS knows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    #[serde(skip_serializing_if = "Option::is_none")]
    con_id: Option<i32>,
    symbol: String,
    sec_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_trade_date_or_contract_month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strike: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiplier: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_exchange: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_symbol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trading_class: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    combo_legs: Vec<ComboLeg>,
}

impl Contract {
    /// Whether both are the same instrument: by `conId`, where both have one.
    #[must_use]
    pub fn is_same_instrument(&self, other: &Self) -> bool {
        match (self.con_id, other.con_id) {
            (Some(one), Some(two)) => one == two,
            _ => self == other,
        }
    }
}

impl From<wit::Contract> for Contract {
    fn from(contract: wit::Contract) -> Self {
        Self {
            con_id: contract.con_id,
            symbol: contract.symbol,
            sec_type: security_type_code(&contract.security_type).to_owned(),
            last_trade_date_or_contract_month: contract.expiry,
            strike: contract.strike,
            right: contract.right.map(|right| match right {
                wit::OptionRight::Call => "C",
                wit::OptionRight::Put => "P",
            }),
            multiplier: contract.multiplier,
            exchange: contract.exchange,
            primary_exchange: contract.primary_exchange,
            currency: contract.currency,
            local_symbol: contract.local_symbol,
            trading_class: contract.trading_class,
            combo_legs: contract
                .combo_legs
                .into_iter()
                .map(|leg| ComboLeg {
                    con_id: leg.con_id,
                    ratio: leg.ratio,
                    action: super::action_code(leg.action),
                    exchange: leg.exchange,
                })
                .collect(),
        }
    }
}

/// A stretch of time in which an instrument trades.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TradingSession {
    opens: Timestamp,
    closes: Timestamp,
}

impl From<details::Session> for TradingSession {
    fn from(session: details::Session) -> Self {
        Self {
            opens: Timestamp(session.opens),
            closes: Timestamp(session.closes),
        }
    }
}

/// What TWS knows of an instrument (TWS `contractDetails`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractDetails {
    #[serde(flatten)]
    contract: Contract,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    industry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subcategory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_tick: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_increment: Option<Decimal>,
    price_magnifier: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    order_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    valid_exchanges: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    under_con_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    under_symbol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trading_hours: Vec<TradingSession>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    liquid_hours: Vec<TradingSession>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sec_id_list: Vec<Identifier>,
}

/// An identifier of another kind (TWS `secIdList`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
struct Identifier {
    tag: String,
    value: String,
}

impl ContractDetails {
    /// Leaves out the long lists (order types, exchanges, hours), for an
    /// answer of many contracts.
    #[must_use]
    pub fn without_lists(self) -> Self {
        Self {
            order_types: Vec::new(),
            valid_exchanges: Vec::new(),
            trading_hours: Vec::new(),
            liquid_hours: Vec::new(),
            ..self
        }
    }
}

impl From<details::ContractDetails> for ContractDetails {
    fn from(details: details::ContractDetails) -> Self {
        let sessions = |sessions: Vec<details::Session>| sessions.into_iter().map(Into::into);
        Self {
            contract: details.contract.into(),
            long_name: details.long_name,
            market_name: details.market_name,
            industry: details.industry,
            category: details.category,
            subcategory: details.subcategory,
            stock_type: details.stock_type,
            min_tick: details.min_tick,
            min_size: details.min_size,
            size_increment: details.size_increment,
            price_magnifier: details.price_magnifier,
            order_types: details.order_types,
            valid_exchanges: details.valid_exchanges,
            under_con_id: details.under_con_id,
            under_symbol: details.under_symbol,
            contract_month: details.contract_month,
            time_zone_id: details.time_zone,
            trading_hours: sessions(details.trading_sessions).collect(),
            liquid_hours: sessions(details.liquid_sessions).collect(),
            sec_id_list: details
                .identifiers
                .into_iter()
                .map(|(tag, value)| Identifier { tag, value })
                .collect(),
        }
    }
}
