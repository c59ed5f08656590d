//! Which instruments a client's contract means.

use std::sync::Arc;

use super::instrument::{Instrument, Right, SecType};
use super::market::Market;
use crate::clock;
use crate::number;
use crate::wire::proto;

/// A refusal in TWS's terms: the code and the text of its error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(code: i32, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// 321, as TWS words what a request's own fields get wrong.
    pub(crate) fn validation(cause: impl std::fmt::Display) -> Self {
        Self::new(
            321,
            format!("Error validating request.-'bW' : cause - {cause}"),
        )
    }

    /// 322, as TWS words a request that is refused for what is already open.
    pub(crate) fn processing(cause: impl std::fmt::Display) -> Self {
        Self::new(
            322,
            format!("Error processing request.-'bW' : cause - {cause}"),
        )
    }

    pub(crate) fn no_definition() -> Self {
        Self::new(200, "No security definition has been found for the request")
    }
}

impl Market {
    /// Every instrument that fits a contract, which may leave fields open.
    pub(crate) fn find(&self, contract: &proto::Contract) -> Result<Vec<Arc<Instrument>>, Refusal> {
        let found: Vec<Arc<Instrument>> = match contract.con_id.filter(|&id| id != 0) {
            Some(con_id) => self
                .instrument(con_id)
                .filter(|instrument| routes(contract, instrument))
                .cloned()
                .into_iter()
                .collect(),
            None => {
                let wanted = sec_type(contract)?;
                if filled(&contract.symbol).is_none() && filled(&contract.local_symbol).is_none() {
                    return Err(Refusal::validation(
                        "Please enter a local symbol or a symbol",
                    ));
                }
                self.instruments()
                    .filter(|instrument| {
                        instrument.sec_type == wanted && fits(contract, instrument)
                    })
                    .cloned()
                    .collect()
            }
        };
        if found.is_empty() {
            Err(Refusal::no_definition())
        } else {
            Ok(found)
        }
    }

    /// The one instrument that a contract means.
    pub(crate) fn find_one(
        &self,
        contract: Option<&proto::Contract>,
    ) -> Result<Arc<Instrument>, Refusal> {
        let contract = contract.ok_or_else(|| Refusal::validation("Please enter a contract"))?;
        if !contract.combo_legs.is_empty() || contract.sec_type.as_deref() == Some("BAG") {
            return Err(Refusal::new(
                200,
                "No security definition has been found for the request: combinations are not listed",
            ));
        }
        let mut found = self.find(contract)?;
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(one), false) => Err(Refusal::new(
                200,
                format!(
                    "The contract description specified for {} is ambiguous.",
                    one.symbol
                ),
            )),
            (None, _) => Err(Refusal::no_definition()),
        }
    }
}

/// The contract's security type, of those that TWS knows.
fn sec_type(contract: &proto::Contract) -> Result<SecType, Refusal> {
    const UNLISTED: [&str; 9] = [
        "FOP", "CFD", "BOND", "FUND", "CMDTY", "WAR", "NEWS", "CRYPTO", "CONTFUT",
    ];
    let text = filled(&contract.sec_type).unwrap_or_default();
    text.parse().map_err(|()| {
        if UNLISTED.contains(&text) {
            Refusal::no_definition()
        } else {
            Refusal::validation("Please enter a valid security type")
        }
    })
}

fn filled(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|text| !text.is_empty())
}

/// Whether the exchange that the contract names, if any, has the instrument.
fn routes(contract: &proto::Contract, instrument: &Instrument) -> bool {
    filled(&contract.exchange).is_none_or(|exchange| instrument.trades_on(exchange))
}

fn fits(contract: &proto::Contract, instrument: &Instrument) -> bool {
    let same =
        |field: &Option<String>, value: &str| filled(field).is_none_or(|wanted| wanted == value);
    let expiry = instrument
        .last_trade_date
        .map(clock::date)
        .unwrap_or_default();
    let strike = number::from_double(contract.strike).filter(|strike| !strike.is_zero());
    let multiplier =
        number::from_double(contract.multiplier).filter(|multiplier| !multiplier.is_zero());
    same(&contract.symbol, &instrument.symbol)
        && same(&contract.currency, instrument.currency)
        && same(&contract.local_symbol, &instrument.local_symbol)
        && same(&contract.trading_class, &instrument.trading_class)
        && routes(contract, instrument)
        && filled(&contract.primary_exch).is_none_or(|wanted| {
            instrument.primary_exchange.is_empty() || wanted == instrument.primary_exchange
                // The listing exchange goes by two names.
                || (wanted == "ISLAND" && instrument.primary_exchange == "NASDAQ")
        })
        // A contract month asks for every day in it.
        && filled(&contract.last_trade_date_or_contract_month).is_none_or(|wanted| expiry.starts_with(wanted))
        && strike.is_none_or(|wanted| instrument.option.is_some_and(|terms| terms.strike == wanted))
        && filled(&contract.right)
            .filter(|wanted| !matches!(*wanted, "0" | "?"))
            .is_none_or(|wanted| {
                instrument.option.is_some_and(|terms| wanted.parse::<Right>() == Ok(terms.right))
            })
        && multiplier.is_none_or(|wanted| wanted == instrument.multiplier)
}
