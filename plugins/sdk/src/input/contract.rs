//! Instruments, as they are asked for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fields::{self, Field, Fields, flag, integer, list, number, object, text};
use super::invalid;
use crate::broker::contracts;
use crate::broker::types::{Action, ComboLeg, Contract, Error, OptionRight, SecurityType};
use crate::json::security_type_code;
use crate::{Failure, FailureKind};

/// The fields of a contract (TWS `Contract`).
const CONTRACT: &[Field] = &[
    text("symbol", "Ticker, underlying, or currency pair (EUR.USD)"),
    text("secType", "STK (default), OPT, FUT, CASH, IND, BAG, …"),
    text(
        "exchange",
        "Default SMART, for CASH IDEALPRO; others need it, e.g. CME",
    ),
    text("currency", "Default USD"),
    integer("conId", "IBKR's id; enough alone"),
    text("lastTradeDateOrContractMonth", "Expiry: YYYYMMDD or YYYYMM"),
    number("strike", ""),
    text("right", "C or P"),
    number("multiplier", ""),
    text("primaryExchange", "If SMART is ambiguous"),
    text("localSymbol", ""),
    text("tradingClass", ""),
    flag("includeExpired", ""),
    list("comboLegs", "Of a BAG: {conId, ratio, action, exchange}"),
    object("contract", "These contract fields as an object instead"),
];

/// A contract among the arguments of a tool: as flat fields, or as an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct ContractArgument(Map<String, Value>);

impl JsonSchema for ContractArgument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ContractArgument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        fields::schema(CONTRACT)
    }
}

const SECURITY_TYPES: &[(&str, SecurityType)] = &[
    ("STK", SecurityType::Stock),
    ("OPT", SecurityType::Option),
    ("FUT", SecurityType::Future),
    ("CONTFUT", SecurityType::ContinuousFuture),
    ("FOP", SecurityType::FutureOption),
    ("CASH", SecurityType::Forex),
    ("IND", SecurityType::Index),
    ("CFD", SecurityType::Cfd),
    ("BOND", SecurityType::Bond),
    ("FUND", SecurityType::Fund),
    ("WAR", SecurityType::Warrant),
    ("CMDTY", SecurityType::Commodity),
    ("CRYPTO", SecurityType::Crypto),
    ("BAG", SecurityType::Combo),
];

const RIGHTS: &[(&str, OptionRight)] = &[
    ("C", OptionRight::Call),
    ("CALL", OptionRight::Call),
    ("P", OptionRight::Put),
    ("PUT", OptionRight::Put),
];

impl ContractArgument {
    /// The one contract that was described, complete (see [`qualify`]).
    ///
    /// # Errors
    /// If it cannot be right, or is not exactly one contract.
    pub fn qualified(&self) -> Result<Contract, Failure> {
        let contract = self.exact()?;
        qualify(&contract)
    }

    /// The contract as far as it was described, if that can be exactly one.
    ///
    /// # Errors
    /// If it cannot be right, or can only be ambiguous.
    pub fn exact(&self) -> Result<Contract, Failure> {
        let contract = self.search()?;
        check_is_exact(&contract)?;
        Ok(contract)
    }

    /// The contract as far as it was described, for a search.
    ///
    /// # Errors
    /// If it cannot be right.
    pub fn search(&self) -> Result<Contract, Failure> {
        let fields = Fields::flat_or_in(&self.0, "contract", CONTRACT)?;
        let symbol = fields.text("symbol")?;
        let local_symbol = fields.text("localSymbol")?;
        let con_id = fields.id("conId")?;
        if symbol.is_none() && local_symbol.is_none() && con_id.is_none() {
            return invalid("symbol is required (or conId, or localSymbol)");
        }
        let combo_legs = combo_legs(fields)?;
        let alone = con_id.is_some() && symbol.is_none();
        let security_type = match fields.one_of("secType", SECURITY_TYPES)? {
            Some(security_type) => security_type,
            None if !combo_legs.is_empty() => SecurityType::Combo,
            // A conId says it all; without a type it is not contradicted.
            None if alone => SecurityType::Other(String::new()),
            None => SecurityType::Stock,
        };
        if (security_type == SecurityType::Combo) == combo_legs.is_empty() && con_id.is_none() {
            return invalid("comboLegs and secType BAG belong together: give both or neither");
        }
        let currency = fields.text("currency")?;
        let (symbol, currency) = match symbol {
            Some(pair) if security_type == SecurityType::Forex => forex_pair(&pair, currency)?,
            symbol => (symbol.unwrap_or_default(), currency),
        };
        let exchange = fields.text("exchange")?;
        Ok(Contract {
            con_id,
            symbol,
            expiry: fields.expiry("lastTradeDateOrContractMonth")?,
            strike: fields.positive("strike")?,
            right: fields.one_of("right", RIGHTS)?,
            multiplier: fields.positive("multiplier")?,
            exchange: match exchange.map(|exchange| exchange.to_ascii_uppercase()) {
                None if alone => None,
                None => default_exchange(&security_type).map(str::to_owned),
                // SMART does not route currency pairs.
                Some(exchange) if exchange == "SMART" && security_type == SecurityType::Forex => {
                    Some("IDEALPRO".to_owned())
                }
                exchange => exchange,
            },
            primary_exchange: fields.text("primaryExchange")?,
            currency: match currency {
                None if alone => None,
                None => Some("USD".to_owned()),
                Some(currency) => Some(currency.to_ascii_uppercase()),
            },
            local_symbol,
            trading_class: fields.text("tradingClass")?,
            include_expired: fields.flag("includeExpired")?.unwrap_or(false),
            combo_legs,
            security_type,
        })
    }
}

/// Where a security type is traded if nothing is said; none where each has an
/// exchange of its own.
fn default_exchange(security_type: &SecurityType) -> Option<&'static str> {
    match security_type {
        SecurityType::Forex => Some("IDEALPRO"),
        SecurityType::Future
        | SecurityType::ContinuousFuture
        | SecurityType::FutureOption
        | SecurityType::Index
        | SecurityType::Crypto
        | SecurityType::Other(_) => None,
        _ => Some("SMART"),
    }
}

const LEG_ACTIONS: &[(&str, Action)] = &[("BUY", Action::Buy), ("SELL", Action::Sell)];

fn combo_legs(fields: Fields<'_>) -> Result<Vec<ComboLeg>, Failure> {
    let legs = match fields.get("comboLegs") {
        None => return Ok(Vec::new()),
        Some(Value::Array(legs)) => legs,
        Some(_) => return invalid("comboLegs must be a list"),
    };
    legs.iter()
        .map(|leg| {
            let leg = leg.as_object().map(Fields::new);
            let (Some(con_id), Some(action)) = (
                leg.map_or(Ok(None), |leg| leg.id("conId"))?,
                leg.map_or(Ok(None), |leg| leg.one_of("action", LEG_ACTIONS))?,
            ) else {
                return invalid("Each of comboLegs needs a conId and an action, BUY or SELL");
            };
            let ratio = leg.map_or(Ok(None), |leg| leg.id("ratio"))?.unwrap_or(1);
            let exchange = leg.map_or(Ok(None), |leg| leg.text("exchange"))?;
            Ok(ComboLeg {
                con_id,
                ratio: ratio.unsigned_abs(),
                action,
                exchange: exchange.map_or_else(
                    || "SMART".to_owned(),
                    |exchange| exchange.to_ascii_uppercase(),
                ),
            })
        })
        .collect()
}

/// Base and quote currency of `EUR`, `EUR.USD` or `EURUSD`.
fn forex_pair(pair: &str, currency: Option<String>) -> Result<(String, Option<String>), Failure> {
    let pair = pair.to_ascii_uppercase();
    let (base, quote) = match pair.split_once(['.', '/']) {
        Some((base, quote)) => (base, Some(quote)),
        None if pair.len() == 6 && pair.is_ascii() => {
            let (base, quote) = pair.split_at(3);
            (base, Some(quote))
        }
        None => (pair.as_str(), None),
    };
    let quote = match (quote, currency) {
        (Some(quote), Some(currency)) if !currency.eq_ignore_ascii_case(quote) => {
            return invalid(format!(
                "The pair {pair} is quoted in {quote}, but currency is {currency}"
            ));
        }
        (Some(quote), _) => quote.to_owned(),
        (None, Some(currency)) => currency.to_ascii_uppercase(),
        (None, None) => "USD".to_owned(),
    };
    if base == quote {
        return invalid(format!(
            "A currency pair needs two currencies: symbol and currency are both {base}"
        ));
    }
    Ok((base.to_owned(), Some(quote)))
}

/// Refuses what can only be ambiguous, with a hint at what is missing.
fn check_is_exact(contract: &Contract) -> Result<(), Failure> {
    if contract.con_id.is_some() {
        return Ok(());
    }
    let code = security_type_code(&contract.security_type);
    if matches!(contract.exchange.as_deref(), None | Some("SMART"))
        && default_exchange(&contract.security_type).is_none()
    {
        return invalid(format!(
            "exchange is required for {code}, for example CME for ES; \
             ibkr_get_contract_details finds it"
        ));
    }
    if contract.local_symbol.is_some() {
        return Ok(());
    }
    let complete = match contract.security_type {
        SecurityType::Option | SecurityType::FutureOption => {
            contract.expiry.is_some() && contract.strike.is_some() && contract.right.is_some()
        }
        SecurityType::Future => contract.expiry.is_some(),
        _ => true,
    };
    if complete {
        return Ok(());
    }
    let needed = if contract.security_type == SecurityType::Future {
        "lastTradeDateOrContractMonth is"
    } else {
        "lastTradeDateOrContractMonth, strike and right are"
    };
    invalid(format!(
        "{needed} required for {code} (or conId, or localSymbol); \
         ibkr_get_contract_details lists what there is"
    ))
}

/// The one contract that matches, complete with its `conId`.
///
/// # Errors
/// What the broker says; a contract that does not exist is named.
pub fn qualify(contract: &Contract) -> Result<Contract, Failure> {
    contracts::qualify(contract).map_err(|error| not_found(contract, error))
}

/// All contracts that match.
///
/// # Errors
/// What the broker says; a contract that does not exist is named.
pub fn details(contract: &Contract) -> Result<Vec<contracts::ContractDetails>, Failure> {
    contracts::details(contract).map_err(|error| not_found(contract, error))
}

fn not_found(contract: &Contract, error: Error) -> Failure {
    match error {
        Error::NotFound(message) if !message.starts_with("Contract not found") => {
            let name = if !contract.symbol.is_empty() {
                contract.symbol.clone()
            } else if let Some(local_symbol) = &contract.local_symbol {
                local_symbol.clone()
            } else {
                format!("conId {}", contract.con_id.unwrap_or_default())
            };
            Failure::new(
                FailureKind::NotFound,
                format!("Contract not found: {name}. {message}"),
            )
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn read(json: &str) -> Result<Contract, Failure> {
        serde_json::from_str::<ContractArgument>(json)
            .unwrap()
            .search()
    }

    fn message(json: &str) -> String {
        let failure = read(json)
            .and_then(|contract| check_is_exact(&contract))
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidArguments);
        failure.message
    }

    #[test]
    fn a_symbol_alone_is_a_us_stock() {
        let contract = read(r#"{"symbol":" SPY "}"#).unwrap();
        assert_eq!(contract.symbol, "SPY");
        assert_eq!(contract.security_type, SecurityType::Stock);
        assert_eq!(contract.exchange.as_deref(), Some("SMART"));
        assert_eq!(contract.currency.as_deref(), Some("USD"));
        assert_eq!(contract.con_id, None);
        assert_eq!(check_is_exact(&contract), Ok(()));
    }

    #[test]
    fn flat_and_nested_are_the_same() {
        let fields = r#""symbol":"AAPL","secType":"OPT","lastTradeDateOrContractMonth":"20261218","strike":250.5,"right":"CALL","multiplier":100"#;
        let flat = read(&format!("{{{fields}}}")).unwrap();
        assert_eq!(
            read(&format!(r#"{{"contract":{{{fields}}}}}"#)).unwrap(),
            flat
        );
        assert_eq!(flat.expiry.as_deref(), Some("2026-12-18"));
        assert_eq!(flat.strike, Some("250.5".parse().unwrap()));
        assert_eq!(flat.right, Some(OptionRight::Call));
        assert_eq!(flat.exchange.as_deref(), Some("SMART"));
        assert_eq!(check_is_exact(&flat), Ok(()));
    }

    #[test]
    fn a_con_id_alone_says_it_all() {
        let contract = read(r#"{"conId":756733}"#).unwrap();
        assert_eq!(contract.con_id, Some(756_733));
        assert_eq!(contract.symbol, "");
        assert_eq!(contract.security_type, SecurityType::Other(String::new()));
        assert_eq!(contract.exchange, None);
        assert_eq!(contract.currency, None);
        assert_eq!(check_is_exact(&contract), Ok(()));
    }

    #[test]
    fn currency_pairs_are_read_in_every_form() {
        for json in [
            r#"{"symbol":"EUR","secType":"CASH"}"#,
            r#"{"symbol":"EUR.USD","secType":"CASH"}"#,
            r#"{"symbol":"eurusd","secType":"cash","exchange":"SMART"}"#,
            r#"{"symbol":"EUR","secType":"CASH","currency":"usd","exchange":"idealpro"}"#,
        ] {
            let contract = read(json).unwrap();
            assert_eq!(contract.symbol, "EUR", "{json}");
            assert_eq!(contract.currency.as_deref(), Some("USD"), "{json}");
            assert_eq!(contract.exchange.as_deref(), Some("IDEALPRO"), "{json}");
        }
    }

    #[test]
    fn a_combo_has_legs() {
        let contract = read(
            r#"{"symbol":"SPY","comboLegs":[{"conId":1,"action":"BUY"},{"conId":2,"ratio":2,"action":"sell","exchange":"CBOE"}]}"#,
        )
        .unwrap();
        assert_eq!(contract.security_type, SecurityType::Combo);
        let legs = contract.combo_legs;
        assert_eq!(
            legs,
            [
                ComboLeg {
                    con_id: 1,
                    ratio: 1,
                    action: Action::Buy,
                    exchange: "SMART".to_owned()
                },
                ComboLeg {
                    con_id: 2,
                    ratio: 2,
                    action: Action::Sell,
                    exchange: "CBOE".to_owned()
                },
            ]
        );
    }

    #[test]
    fn a_future_can_be_searched_without_its_exchange() {
        let contract = read(r#"{"symbol":"ES","secType":"FUT"}"#).unwrap();
        assert_eq!(contract.exchange, None);
    }

    #[test]
    fn what_cannot_be_right_is_refused_in_words() {
        let cases = [
            ("{}", "symbol is required (or conId, or localSymbol)"),
            (
                r#"{"symbol":"SPY","secType":"STOCK"}"#,
                "secType must be one of STK, OPT, FUT, CONTFUT, FOP, CASH, IND, CFD, BOND, FUND, WAR, CMDTY, CRYPTO, BAG; got \"STOCK\"",
            ),
            (
                r#"{"symbol":"SPY","contract":{"symbol":"SPY"}}"#,
                "The contract was given twice, flat (symbol) and as the object `contract`: give one of them",
            ),
            (
                r#"{"symbol":"AAPL","secType":"OPT","right":"X"}"#,
                "right must be one of C, CALL, P, PUT; got \"X\"",
            ),
            (
                r#"{"symbol":"AAPL","secType":"OPT","lastTradeDateOrContractMonth":"DEC26"}"#,
                "lastTradeDateOrContractMonth \"DEC26\" is neither a day nor a month: write it like \"20261218\", \"2026-12-18\" or \"202612\"",
            ),
            (
                r#"{"symbol":"AAPL","secType":"OPT","strike":250}"#,
                "lastTradeDateOrContractMonth, strike and right are required for OPT (or conId, or localSymbol); ibkr_get_contract_details lists what there is",
            ),
            (
                r#"{"symbol":"AAPL","secType":"OPT","strike":-1}"#,
                "strike must be greater than 0; got -1",
            ),
            (
                r#"{"symbol":"ES","secType":"FUT","lastTradeDateOrContractMonth":"202612"}"#,
                "exchange is required for FUT, for example CME for ES; ibkr_get_contract_details finds it",
            ),
            (
                r#"{"symbol":"ES","secType":"FUT","exchange":"CME"}"#,
                "lastTradeDateOrContractMonth is required for FUT (or conId, or localSymbol); ibkr_get_contract_details lists what there is",
            ),
            (
                r#"{"symbol":"EUR.USD","secType":"CASH","currency":"GBP"}"#,
                "The pair EUR.USD is quoted in USD, but currency is GBP",
            ),
            (
                r#"{"symbol":"USD","secType":"CASH"}"#,
                "A currency pair needs two currencies: symbol and currency are both USD",
            ),
            (
                r#"{"symbol":"SPY","secType":"BAG"}"#,
                "comboLegs and secType BAG belong together: give both or neither",
            ),
            (
                r#"{"conId":-1}"#,
                "conId must be a whole number greater than 0",
            ),
            (
                r#"{"symbol":"SPY","comboLegs":[{"conId":1}]}"#,
                "Each of comboLegs needs a conId and an action, BUY or SELL",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(message(json), expected, "{json}");
        }
    }

    #[test]
    fn a_contract_that_does_not_exist_is_named() {
        let contract = read(r#"{"symbol":"NOPE"}"#).unwrap();
        let failure = not_found(
            &contract,
            Error::NotFound("No security definition.".to_owned()),
        );
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert_eq!(
            failure.message,
            "Contract not found: NOPE. No security definition."
        );
        let failure = not_found(
            &contract,
            Error::NotFound("Contract not found: NOPE".to_owned()),
        );
        assert_eq!(failure.message, "Contract not found: NOPE");
    }
}
