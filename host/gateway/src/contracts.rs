//! Finding instruments.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, contract::describe};
use crate::model::{ComboLeg, Contract, ContractDetails, Error, Result, SecurityType};
use crate::validate;

/// How many answers the cache keeps before it starts anew.
const CACHED: usize = 4_096;

/// How many candidates an ambiguous question names.
const NAMED: usize = 8;

/// The contracts that were qualified over one connection.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<Contract, Contract>>);

impl Cache {
    fn entries(&self) -> MutexGuard<'_, HashMap<Contract, Contract>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, question: &Contract) -> Option<Contract> {
        self.entries().get(question).cloned()
    }

    fn put(&self, question: &Contract, answer: &Contract) {
        let mut entries = self.entries();
        if entries.len() >= CACHED {
            entries.clear();
        }
        entries.insert(question.clone(), answer.clone());
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.entries().clear();
    }
}

impl Gateway {
    /// All instruments that match (TWS `reqContractDetails`).
    ///
    /// # Errors
    /// `NotFound` if there is none; `InvalidRequest` for a contradictory
    /// contract, or a combo, which has no details of its own.
    #[tracing::instrument(level = "debug", name = "gateway.details", skip_all, fields(gateway = self.name()))]
    pub async fn details(&self, contract: &Contract) -> Result<Vec<ContractDetails>> {
        validate::contract(contract)?;
        if contract.security_type == SecurityType::Combo {
            return Err(Error::invalid(
                "A combo has no contract details of its own. Ask for those of each leg, by its \
                 conId.",
            ));
        }
        let session = self.session()?;
        let question = convert::contract::to_tws(contract);
        let name = describe(contract);
        let what = format!("the details of {name}");
        let work = {
            let (session, what) = (session.clone(), what.clone());
            async move {
                session
                    .client
                    .contract_details(&question)
                    .await
                    .map_err(|error| codes::client_error(&error, &what))
            }
        };
        let outcome = session.ask(&what, work).await;
        let found: Vec<_> = match outcome {
            Ok(rows) => rows.iter().map(convert::details::from_tws).collect(),
            Err(Error::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        if found.is_empty() {
            return Err(not_found(contract, &name));
        }
        Ok(found)
    }

    /// Instruments whose symbol begins with a text, or whose name does: some of
    /// each kind, TWS's choice (TWS `reqMatchingSymbols`). They are stocks,
    /// indices and the like, never derivatives.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`, `Pacing`.
    pub async fn matching(&self, text: &str) -> Result<Vec<Contract>> {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        validate::plain("The text to look for", &text)?;
        let session = self.session()?;
        let what = format!("the symbols that match {text:?}");
        let work = {
            let (session, what) = (session.clone(), what.clone());
            async move {
                let found = session.client.matching_symbols(&text).await;
                found.map_err(|error| codes::client_error(&error, &what))
            }
        };
        let found = session.ask(&what, work).await?;
        let contracts = found.iter().map(|of| &of.contract);
        Ok(contracts.map(convert::contract::from_tws).collect())
    }

    /// The one instrument that matches, complete with `con_id`. Answers may
    /// come from a cache, which lives as long as the connection. A combo is
    /// returned as it is, once TWS knows each of its legs.
    ///
    /// # Errors
    /// `NotFound` if there is none, or no such leg; `InvalidRequest` naming
    /// candidates if there are several.
    #[tracing::instrument(level = "debug", name = "gateway.qualify", skip_all, fields(gateway = self.name()))]
    pub async fn qualify(&self, contract: &Contract) -> Result<Contract> {
        validate::contract(contract)?;
        if contract.security_type == SecurityType::Combo {
            for (leg, number) in contract.combo_legs.iter().zip(1..) {
                self.qualify_leg(leg, number).await?;
            }
            return Ok(contract.clone());
        }
        self.qualify_one(contract).await
    }

    /// Whether TWS knows a leg of a combo, on the exchange it is routed to.
    async fn qualify_leg(&self, leg: &ComboLeg, number: usize) -> Result<()> {
        // The conId says which instrument it is, whatever its type.
        let question = Contract {
            con_id: Some(leg.con_id),
            exchange: Some(leg.exchange.clone()),
            ..Contract::new("", SecurityType::Other(String::new()))
        };
        match self.qualify_one(&question).await {
            Ok(_) => Ok(()),
            Err(Error::NotFound(_)) => Err(Error::NotFound(format!(
                "Contract not found: leg {number} of the combo, conId {} on {}. Look it up with \
                 ibkr_get_contract_details.",
                leg.con_id, leg.exchange
            ))),
            Err(error) => Err(error),
        }
    }

    /// The one listed instrument that matches.
    async fn qualify_one(&self, contract: &Contract) -> Result<Contract> {
        let session = self.session()?;
        if let Some(answer) = session.contracts.get(contract) {
            return Ok(answer);
        }
        let mut found: Vec<Contract> = Vec::new();
        for details in self.details(contract).await? {
            let known = found
                .iter_mut()
                .find(|known| known.con_id == details.contract.con_id);
            match known {
                // One instrument on several exchanges: SMART reaches them all.
                Some(known) if details.contract.exchange.as_deref() == Some("SMART") => {
                    *known = details.contract;
                }
                Some(_) => {}
                None => found.push(details.contract),
            }
        }
        match found.as_slice() {
            [one] => {
                session.contracts.put(contract, one);
                Ok(one.clone())
            }
            several => Err(ambiguous(contract, several)),
        }
    }
}

fn not_found(contract: &Contract, name: &str) -> Error {
    let kind = contract.security_type.code();
    let places = [&contract.exchange, &contract.currency];
    let places = places.into_iter().flatten().map(String::as_str);
    let described: Vec<_> = [kind]
        .into_iter()
        .chain(places)
        .filter(|word| !word.is_empty())
        .collect();
    let described = match described.as_slice() {
        [] => String::new(),
        words => format!(" ({})", words.join(", ")),
    };
    Error::NotFound(format!(
        "Contract not found: {name}{described}. Check symbol, secType, exchange and currency, or \
         the conId."
    ))
}

fn ambiguous(contract: &Contract, found: &[Contract]) -> Error {
    let candidates = found
        .iter()
        .take(NAMED)
        .map(candidate)
        .collect::<Vec<_>>()
        .join("; ");
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Error::invalid(format!(
        "{} means {} different contracts: {candidates}{more}. Say which one, best by its conId.",
        describe(contract),
        found.len()
    ))
}

fn candidate(contract: &Contract) -> String {
    let mut text = describe(contract);
    let places = [&contract.primary_exchange, &contract.exchange];
    if let Some(place) = places.into_iter().flatten().next() {
        text.push_str(&format!(" on {place}"));
    }
    if let Some(currency) = &contract.currency {
        text.push_str(&format!(" in {currency}"));
    }
    if let Some(con_id) = contract.con_id {
        text.push_str(&format!(", conId {con_id}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ambiguous_question_names_some_candidates() {
        let question = Contract::us_stock("X");
        let found: Vec<_> = (1..=10)
            .map(|number| Contract {
                con_id: Some(number),
                ..question.clone()
            })
            .collect();
        let text = ambiguous(&question, &found).to_string();
        assert!(text.contains("10 different contracts"), "{text}");
        assert!(
            text.contains("conId 8") && !text.contains("conId 9"),
            "{text}"
        );
        assert!(text.contains("2 more"), "{text}");
    }

    #[test]
    fn what_is_not_found_is_named() {
        let question = Contract::us_stock("NOPE");
        let text = not_found(&question, &describe(&question)).to_string();
        assert!(text.starts_with("Contract not found: NOPE"), "{text}");
    }

    #[test]
    fn the_cache_does_not_grow_without_end() {
        let cache = Cache::default();
        for number in 0..=CACHED {
            let question = Contract::us_stock(format!("S{number}"));
            cache.put(&question, &question);
        }
        assert_eq!(cache.entries().len(), 1);
    }
}
