//! Instruments, as they are asked for.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{filled, one_of};
use crate::broker::contracts;
use crate::broker::types::{Action, ComboLeg, Contract, Error, OptionRight, SecurityType};
use crate::json::{self, security_type_code};
use crate::schema::without_descriptions;
use crate::time::parse_expiry;
use crate::{Decimal, Failure, FailureKind};

/// The fields of a contract (TWS `Contract`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ContractFields {
    /// Ticker; underlying of a derivative; base of a pair ("EUR" or "EUR.USD")
    pub symbol: Option<String>,
    /// STK (default), OPT, FUT, CONTFUT, FOP, CASH, IND, CFD, BOND, FUND, WAR, CMDTY, CRYPTO or BAG
    pub sec_type: Option<String>,
    /// Default SMART, for CASH IDEALPRO; needed for FUT, FOP, IND, CRYPTO, e.g. CME
    pub exchange: Option<String>,
    /// Default USD
    pub currency: Option<String>,
    /// IBKR's id; enough alone
    pub con_id: Option<i32>,
    /// Expiry, YYYYMMDD or YYYYMM
    pub last_trade_date_or_contract_month: Option<String>,
    /// Of an option
    pub strike: Option<Decimal>,
    /// C or P
    pub right: Option<String>,
    /// Contract size
    pub multiplier: Option<Decimal>,
    /// Listing exchange, if SMART is ambiguous
    pub primary_exchange: Option<String>,
    /// Exchange's own symbol
    pub local_symbol: Option<String>,
    /// e.g. SPXW
    pub trading_class: Option<String>,
    /// Also expired futures
    pub include_expired: Option<bool>,
    /// Legs of a BAG
    pub combo_legs: Option<Vec<json::ComboLeg>>,
}

/// A contract among the arguments of a tool: as flat fields, or as an object.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ContractArgument {
    #[serde(flatten)]
    fields: ContractFields,
    /// The contract's fields as one object instead
    #[schemars(schema_with = "contract_object")]
    contract: Option<ContractFields>,
}

fn contract_object(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    without_descriptions::<ContractFields>(generator)
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

impl ContractArgument {
    /// The contract as far as it was described, for a search.
    ///
    /// # Errors
    /// If it cannot be right.
    pub fn search(self) -> Result<Contract, Failure> {
        match self.contract {
            None => self.fields.search(),
            Some(object) if self.fields == ContractFields::default() => object.search(),
            Some(_) => Err(Failure::invalid_arguments(
                "The contract was given twice: write its fields flat or as the object \
                 `contract`, not both",
            )),
        }
    }

    /// The one contract that was described, complete (see [`qualify`]).
    ///
    /// # Errors
    /// If it cannot be right, or is not exactly one contract.
    pub fn qualified(self) -> Result<Contract, Failure> {
        let contract = self.search()?;
        check_is_exact(&contract)?;
        qualify(&contract)
    }
}

impl ContractFields {
    /// The contract as far as it was described.
    ///
    /// # Errors
    /// If it cannot be right.
    pub fn search(self) -> Result<Contract, Failure> {
        let symbol = filled(self.symbol);
        let local_symbol = filled(self.local_symbol);
        let con_id = self.con_id.filter(|id| *id != 0);
        if con_id.is_some_and(|id| id < 0) {
            return invalid("conId must be greater than 0");
        }
        let combo_legs = combo_legs(self.combo_legs.unwrap_or_default())?;
        let security_type = match filled(self.sec_type) {
            Some(code) => one_of("secType", &code, SECURITY_TYPES)?,
            None if !combo_legs.is_empty() => SecurityType::Combo,
            // A conId says it all; without a type it is not contradicted.
            None if con_id.is_some() && symbol.is_none() => SecurityType::Other(String::new()),
            None => SecurityType::Stock,
        };
        if symbol.is_none() && local_symbol.is_none() && con_id.is_none() {
            return invalid("symbol is required (or conId, or localSymbol)");
        }
        if (security_type == SecurityType::Combo) == combo_legs.is_empty() && con_id.is_none() {
            return invalid("comboLegs and secType BAG belong together: give both or neither");
        }
        if self.strike.is_some_and(|strike| !strike.is_positive()) {
            return invalid("strike must be greater than 0");
        }
        if self
            .multiplier
            .is_some_and(|multiplier| !multiplier.is_positive())
        {
            return invalid("multiplier must be greater than 0");
        }

        let alone = con_id.is_some() && symbol.is_none();
        let (symbol, currency) = match (symbol, &security_type) {
            (Some(pair), SecurityType::Forex) => forex_pair(&pair, filled(self.currency))?,
            (symbol, _) => (symbol.unwrap_or_default(), filled(self.currency)),
        };
        let exchange = filled(self.exchange).map(|exchange| exchange.to_uppercase());
        Ok(Contract {
            con_id,
            symbol,
            expiry: filled(self.last_trade_date_or_contract_month)
                .map(|text| expiry(&text))
                .transpose()?,
            strike: self.strike,
            right: filled(self.right).map(|text| right(&text)).transpose()?,
            multiplier: self.multiplier,
            exchange: match exchange.as_deref() {
                None if alone => None,
                None => default_exchange(&security_type).map(str::to_owned),
                // SMART does not route currency pairs.
                Some("SMART") if security_type == SecurityType::Forex => {
                    Some("IDEALPRO".to_owned())
                }
                Some(_) => exchange,
            },
            primary_exchange: filled(self.primary_exchange),
            currency: match currency {
                None if alone => None,
                None => Some("USD".to_owned()),
                Some(currency) => Some(currency.to_uppercase()),
            },
            local_symbol,
            trading_class: filled(self.trading_class),
            include_expired: self.include_expired.unwrap_or(false),
            combo_legs,
            security_type,
        })
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::invalid_arguments(message))
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

fn expiry(text: &str) -> Result<String, Failure> {
    match parse_expiry(text) {
        Some(expiry) => Ok(expiry),
        None => invalid(format!(
            "lastTradeDateOrContractMonth {text:?} is neither a day nor a month: \
             write it like \"20261218\", \"2026-12-18\" or \"202612\""
        )),
    }
}

fn right(text: &str) -> Result<OptionRight, Failure> {
    let table = [
        ("C", OptionRight::Call),
        ("CALL", OptionRight::Call),
        ("P", OptionRight::Put),
        ("PUT", OptionRight::Put),
    ];
    one_of("right", text, &table)
}

fn combo_legs(legs: Vec<json::ComboLeg>) -> Result<Vec<ComboLeg>, Failure> {
    legs.into_iter()
        .map(|leg| {
            if leg.con_id <= 0 || leg.ratio == 0 {
                return invalid("A combo leg needs a conId and a ratio greater than 0");
            }
            let actions = [("BUY", Action::Buy), ("SELL", Action::Sell)];
            Ok(ComboLeg {
                con_id: leg.con_id,
                ratio: leg.ratio,
                action: one_of("action of a combo leg", &leg.action, &actions)?,
                exchange: leg.exchange.to_uppercase(),
            })
        })
        .collect()
}

/// Base and quote currency of `EUR`, `EUR.USD` or `EURUSD`.
fn forex_pair(pair: &str, currency: Option<String>) -> Result<(String, Option<String>), Failure> {
    let pair = pair.to_uppercase();
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
        (None, Some(currency)) => currency.to_uppercase(),
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
                "The contract was given twice: write its fields flat or as the object `contract`, not both",
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
                "strike must be greater than 0",
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
            (r#"{"conId":-1}"#, "conId must be greater than 0"),
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
