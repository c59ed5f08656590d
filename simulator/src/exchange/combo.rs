//! Combinations: several instruments traded as one, TWS's `BAG`.
//!
//! A combination is not listed: it is what an order's legs say. It trades at the prices of its
//! legs, and an account never holds it, only the legs.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::instrument::{Instrument, SecType};
use super::market::Market;
use super::quote::{Quote, Side};
use super::search::Refusal;
use crate::books::ledger::Trade;
use crate::number;
use crate::wire::proto;

/// The contract id under which TWS reports every combination in USD.
const CON_ID: i32 = 28_812_380;

/// One leg of a combination.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leg {
    pub(crate) instrument: Arc<Instrument>,
    /// How many of the instrument make one of the combination.
    pub(crate) ratio: Decimal,
    /// What is done with it when the combination is bought.
    pub(crate) side: Side,
    pub(crate) exchange: String,
}

impl Leg {
    /// What is done with it when the combination is traded on this side.
    fn side_of(&self, combo: Side) -> Side {
        match combo {
            Side::Buy => self.side,
            Side::Sell => self.side.opposite(),
        }
    }

    /// As TWS names it in the combination's contract.
    pub(crate) fn message(&self) -> proto::ComboLeg {
        proto::ComboLeg {
            con_id: Some(self.instrument.con_id),
            ratio: i32::try_from(self.ratio).ok(),
            action: Some(String::from(match self.side {
                Side::Buy => "BUY",
                Side::Sell => "SELL",
            })),
            exchange: Some(self.exchange.clone()),
            ..proto::ComboLeg::default()
        }
    }

    /// As TWS lists it in the description of all legs: sold ones have a negative ratio.
    pub(crate) fn description(&self) -> String {
        let ratio = number::to_text(self.side.signed(self.ratio));
        format!("{}|{ratio}", self.instrument.con_id)
    }
}

impl Market {
    /// What a client's contract means: an instrument, or a combination of some.
    pub(crate) fn resolve(
        &self,
        contract: Option<&proto::Contract>,
    ) -> Result<Arc<Instrument>, Refusal> {
        match contract.filter(|contract| contract.sec_type.as_deref() == Some("BAG")) {
            Some(combo) => self.combination(combo).map(Arc::new),
            None => self.find_one(contract),
        }
    }

    /// The market of what [`resolve`](Self::resolve) found.
    pub(crate) fn quote_of(&self, instrument: &Instrument) -> Option<Quote> {
        if instrument.is_combo() {
            self.combo_quote(instrument)
        } else {
            self.quote(instrument.con_id).cloned()
        }
    }

    /// Reads a combination, or says what TWS would refuse.
    fn combination(&self, contract: &proto::Contract) -> Result<Instrument, Refusal> {
        let symbol = contract.symbol.clone().unwrap_or_default();
        if symbol.is_empty() {
            return Err(Refusal::validation(
                "Please enter a local symbol or a symbol",
            ));
        }
        if contract.combo_legs.is_empty() {
            return Err(Refusal::new(
                314,
                "Security type 'BAG' requires combo leg details.",
            ));
        }
        let legs = contract
            .combo_legs
            .iter()
            .zip(1..)
            .map(|(leg, number)| self.leg(leg, number))
            .collect::<Result<Vec<Leg>, Refusal>>()?;
        let is_repeated = |leg: &Leg| {
            let same = legs
                .iter()
                .filter(|other| other.instrument.con_id == leg.instrument.con_id);
            same.count() > 1
        };
        let (Some(first), false, false) =
            (legs.first(), legs.len() < 2, legs.iter().any(is_repeated))
        else {
            return Err(Refusal::new(312, "The combo details are invalid."));
        };
        let currency = first.instrument.currency;
        let fits = legs.iter().all(|leg| leg.instrument.currency == currency)
            && contract
                .currency
                .as_deref()
                .is_none_or(|wanted| wanted.is_empty() || wanted == currency)
            && contract.exchange.as_deref().is_none_or(|wanted| {
                wanted.is_empty() || legs.iter().all(|leg| leg.instrument.trades_on(wanted))
            });
        if !fits {
            return Err(Refusal::no_definition());
        }
        let multipliers = legs.iter().map(|leg| leg.instrument.multiplier);
        let ticks = legs.iter().map(|leg| leg.instrument.min_tick);
        Ok(Instrument {
            con_id: CON_ID,
            symbol,
            sec_type: SecType::Combo,
            exchange: "SMART",
            primary_exchange: "",
            valid_exchanges: "SMART",
            currency,
            local_symbol: CON_ID.to_string(),
            trading_class: String::from("COMB"),
            // A spread of options is quoted per unit of the underlying, as an option is.
            multiplier: multipliers.max().unwrap_or(Decimal::ONE),
            last_trade_date: None,
            option: None,
            underlying: None,
            min_tick: ticks.min().unwrap_or(Decimal::ONE),
            long_name: String::from("Combination"),
            industry: "",
            category: "",
            subcategory: "",
            stock_type: "",
            start_price: Decimal::ZERO,
            volatility: 0.0,
            legs,
        })
    }

    fn leg(&self, leg: &proto::ComboLeg, number: usize) -> Result<Leg, Refusal> {
        let invalid = || {
            let text = format!("The combo details for leg '{number}' are invalid.");
            Refusal::new(313, text)
        };
        let ratio = leg.ratio.filter(|&ratio| ratio > 0).ok_or_else(invalid)?;
        let side = match leg.action.as_deref() {
            Some("BUY") => Side::Buy,
            Some("SELL" | "SSHORT") => Side::Sell,
            _ => return Err(invalid()),
        };
        let con_id = leg.con_id.filter(|&id| id > 0).ok_or_else(invalid)?;
        let exchange = leg
            .exchange
            .clone()
            .filter(|exchange| !exchange.is_empty())
            .ok_or_else(|| Refusal::validation("Please enter exchange"))?;
        let instrument = self.find_one(Some(&proto::Contract {
            con_id: Some(con_id),
            exchange: Some(exchange.clone()),
            ..proto::Contract::default()
        }))?;
        // A currency pair is cash, and an index cannot be traded.
        if matches!(instrument.sec_type, SecType::Forex | SecType::Index) {
            return Err(invalid());
        }
        Ok(Leg {
            instrument,
            ratio: Decimal::from(ratio),
            side,
            exchange,
        })
    }

    /// The market that the legs' markets make: nobody quotes the combination itself.
    fn combo_quote(&self, combo: &Instrument) -> Option<Quote> {
        let mut legs = Vec::new();
        for leg in &combo.legs {
            legs.push((leg, self.quote(leg.instrument.con_id)?));
        }
        let sum = |price: &dyn Fn(&Leg, &Quote) -> Decimal| {
            let total: Decimal = legs
                .iter()
                .map(|(leg, quote)| {
                    let units = leg.side.signed(leg.ratio) * leg.instrument.multiplier;
                    units * price(leg, quote)
                })
                .sum();
            total / combo.multiplier
        };
        let trades_at = |side| sum(&|leg, quote| quote.opposite(leg.side_of(side)));
        let size = |side| {
            let sizes = legs
                .iter()
                .map(|(leg, quote)| (quote.available(leg.side_of(side)) / leg.ratio).trunc());
            sizes.min().unwrap_or_default()
        };
        let mark = sum(&|_, quote| quote.mark);
        Some(Quote {
            mark,
            bid: trades_at(Side::Sell),
            ask: trades_at(Side::Buy),
            bid_size: size(Side::Sell),
            ask_size: size(Side::Buy),
            last: mark,
            last_size: Decimal::ZERO,
            volume: Decimal::ZERO,
            open: mark,
            high: mark,
            low: mark,
            close: mark,
            taken: None,
        })
    }

    /// The trades in its legs that a trade of `quantity` of a combination is, with what they
    /// cost as the market is. `before` is what the order has traded of it already: the legs
    /// are charged as orders of their own, each with one minimum commission.
    pub(super) fn leg_trades(
        &self,
        combo: &Instrument,
        side: Side,
        before: Decimal,
        quantity: Decimal,
    ) -> Vec<Trade> {
        let trade = |leg: &Leg| {
            let quote = self.quote(leg.instrument.con_id)?;
            let side = leg.side_of(side);
            let price = quote.opposite(side);
            let charged = |combos: Decimal| {
                if combos.is_zero() {
                    return Decimal::ZERO;
                }
                let units = combos * leg.ratio;
                let value = units * price * leg.instrument.multiplier;
                leg.instrument.commission(units, value)
            };
            Some(Trade {
                instrument: Arc::clone(&leg.instrument),
                signed: side.signed(quantity * leg.ratio),
                price,
                commission: charged(before + quantity) - charged(before),
            })
        };
        combo.legs.iter().filter_map(trade).collect()
    }
}
