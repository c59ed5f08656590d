//! What can be traded.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::dec;
use time::Date;

use super::combo::Leg;
use crate::clock;
use crate::number;
use crate::wire::proto;

/// The kind of an instrument, with TWS's code as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SecType {
    Stock,
    Option,
    Future,
    Forex,
    Index,
    /// Several instruments traded as one. It is never listed and never held.
    Combo,
}

impl fmt::Display for SecType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stock => "STK",
            Self::Option => "OPT",
            Self::Future => "FUT",
            Self::Forex => "CASH",
            Self::Index => "IND",
            Self::Combo => "BAG",
        })
    }
}

impl FromStr for SecType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "STK" => Ok(Self::Stock),
            "OPT" => Ok(Self::Option),
            "FUT" => Ok(Self::Future),
            "CASH" => Ok(Self::Forex),
            "IND" => Ok(Self::Index),
            _ => Err(()),
        }
    }
}

/// Which way an option goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Right {
    Call,
    Put,
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Call => "C",
            Self::Put => "P",
        })
    }
}

impl FromStr for Right {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "C" | "CALL" => Ok(Self::Call),
            "P" | "PUT" => Ok(Self::Put),
            _ => Err(()),
        }
    }
}

/// The terms of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OptionTerms {
    pub(crate) strike: Decimal,
    pub(crate) right: Right,
}

/// One tradable thing, fully specified.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instrument {
    pub(crate) con_id: i32,
    pub(crate) symbol: String,
    pub(crate) sec_type: SecType,
    /// Where orders go when the client leaves it to TWS.
    pub(crate) exchange: &'static str,
    pub(crate) primary_exchange: &'static str,
    /// Every exchange that a contract may name, comma-separated.
    pub(crate) valid_exchanges: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) local_symbol: String,
    pub(crate) trading_class: String,
    /// Units of the underlying in one contract; 1 where TWS states none.
    pub(crate) multiplier: Decimal,
    pub(crate) last_trade_date: Option<Date>,
    pub(crate) option: Option<OptionTerms>,
    /// The instrument that this one's price follows.
    pub(crate) underlying: Option<i32>,
    pub(crate) min_tick: Decimal,
    pub(crate) long_name: String,
    pub(crate) industry: &'static str,
    pub(crate) category: &'static str,
    pub(crate) subcategory: &'static str,
    pub(crate) stock_type: &'static str,
    /// The price before the first step, in `currency`.
    pub(crate) start_price: Decimal,
    /// The price's yearly volatility, as a fraction.
    pub(crate) volatility: f64,
    /// What a combination is made of; empty for everything else.
    pub(crate) legs: Vec<Leg>,
}

impl Instrument {
    /// Whether orders for it are accepted: an index is only quoted.
    pub(crate) fn is_tradable(&self) -> bool {
        self.sec_type != SecType::Index
    }

    /// Whether it is a combination, which has no price and no position of its own.
    pub(crate) fn is_combo(&self) -> bool {
        self.sec_type == SecType::Combo
    }

    /// Whether a position in it is settled by its gains and losses alone.
    pub(crate) fn is_margined(&self) -> bool {
        self.sec_type == SecType::Future
    }

    /// Whether the exchange routes to `name`.
    pub(crate) fn trades_on(&self, name: &str) -> bool {
        self.valid_exchanges
            .split(',')
            .any(|exchange| exchange == name)
    }

    /// Commission for an order that has filled `quantity` in all at an average `price`, in USD.
    ///
    /// Stocks: 0.005 per share, at least 1.00. Options: 0.65 per contract, at least 1.00.
    /// Futures: 2.25 per contract. Forex: 0.00002 of the value, at least 2.00. Combinations: as
    /// for each of the legs.
    pub(crate) fn commission(&self, quantity: Decimal, value: Decimal) -> Decimal {
        match self.sec_type {
            SecType::Stock | SecType::Index => (quantity * dec!(0.005)).max(dec!(1)),
            SecType::Option => (quantity * dec!(0.65)).max(dec!(1)),
            SecType::Future => quantity * dec!(2.25),
            SecType::Forex => (value * dec!(0.00002)).round_dp(4).max(dec!(2)),
            SecType::Combo => self
                .legs
                .iter()
                .map(|leg| leg.instrument.commission(quantity * leg.ratio, value))
                .sum(),
        }
    }

    /// The contract as TWS describes it in answers.
    pub(crate) fn contract(&self) -> proto::Contract {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let expiry = self.last_trade_date.map(clock::date);
        proto::Contract {
            con_id: Some(self.con_id),
            symbol: Some(self.symbol.clone()),
            sec_type: Some(self.sec_type.to_string()),
            last_trade_date_or_contract_month: expiry.clone(),
            last_trade_date: expiry,
            strike: self.option.map(|terms| number::to_double(terms.strike)),
            right: self.option.map(|terms| terms.right.to_string()),
            multiplier: self
                .last_trade_date
                .map(|_| number::to_double(self.multiplier)),
            exchange: text(self.exchange),
            primary_exch: text(self.primary_exchange),
            currency: text(self.currency),
            local_symbol: text(&self.local_symbol),
            trading_class: text(&self.trading_class),
            combo_legs_descrip: text(
                &self
                    .legs
                    .iter()
                    .map(Leg::description)
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            combo_legs: self.legs.iter().map(Leg::message).collect(),
            ..proto::Contract::default()
        }
    }
}
