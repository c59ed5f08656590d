//! A start that a test writes down: accounts, prices, history.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rust_decimal::Decimal;
use rust_decimal::dec;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::books::ledger::{Ledger, pair};
use crate::clock;
use crate::error::SimulatorError;
use crate::exchange::bar_request::BarSize;
use crate::exchange::bars::{Bar, History, Traded};
use crate::exchange::instrument::{Instrument, SecType};
use crate::exchange::market::Market;
use crate::exchange::{Exchange, built_in_instruments};

/// Nothing in a fixture is larger, so that sums stay exact.
const LIMIT: Decimal = dec!(1_000_000_000);

/// No account starts with more cash.
const MAX_CASH: Decimal = dec!(1_000_000_000_000);

/// What the simulator starts with, read from JSON (`simulator/fixtures/example.json` is one).
///
/// Instruments go by their local symbol: a stock's symbol, `EUR.USD`, `ESZ6`. Numbers may be
/// written as JSON strings, which keeps them exact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fixture {
    /// The accounts. None leaves those of the configuration, each with 100,000 USD.
    pub accounts: Vec<FixtureAccount>,
    /// Prices at the start, by local symbol, in the instrument's currency. Instruments that
    /// are not named start at their built-in price; options and futures that are named no
    /// longer follow their underlying.
    pub prices: BTreeMap<String, Decimal>,
    /// Bars that answer history requests in place of generated ones.
    pub history: Vec<FixtureHistory>,
}

/// One account at the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixtureAccount {
    /// The account's id; a paper account's begins with `D`.
    pub account: String,
    /// Cash by currency: `USD`, and any that a forex pair of the exchange prices.
    #[serde(default)]
    pub cash: BTreeMap<String, Decimal>,
    /// What the account holds.
    #[serde(default)]
    pub positions: Vec<FixturePosition>,
}

/// One position at the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixturePosition {
    /// The instrument's local symbol.
    pub symbol: String,
    /// Units, negative when short.
    pub quantity: Decimal,
    /// Cost of one unit with its multiplier, in USD. Defaults to the value at the start.
    pub average_cost: Option<Decimal>,
}

/// The history of one instrument in one bar size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixtureHistory {
    /// The instrument's local symbol.
    pub symbol: String,
    /// The bar size as TWS writes it: `1 day`, `5 mins`.
    pub bar_size: String,
    /// The bars, oldest first. An empty list makes TWS say that there is no data.
    pub bars: Vec<FixtureBar>,
}

/// One bar. Prices are in the instrument's currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixtureBar {
    /// `YYYYMMDD`, or `YYYYMMDD HH:MM:SS` in New York's time, when the bar begins.
    pub time: String,
    /// Price at the start.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Price at the end.
    pub close: Decimal,
    /// Units traded.
    #[serde(default)]
    pub volume: Decimal,
}

impl Fixture {
    /// Reads a fixture from JSON text.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::ParseFixture`], with the line and column.
    pub fn from_json(json: &str) -> Result<Self, SimulatorError> {
        Ok(serde_json::from_str(json)?)
    }

    /// Reads a fixture from a file.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::ReadFixture`] and [`SimulatorError::ParseFixture`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SimulatorError> {
        let path = path.as_ref();
        let json = std::fs::read_to_string(path).map_err(|source| SimulatorError::ReadFixture {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&json)
    }

    /// The start of a simulator without a fixture: 100,000 USD in each account, and in the
    /// first one some VTI, TLT and AAPL.
    pub(crate) fn built_in(accounts: &[String]) -> Self {
        let holdings = [
            ("VTI", dec!(120), dec!(291.36)),
            ("TLT", dec!(200), dec!(93.12)),
            ("AAPL", dec!(50), dec!(214.48)),
        ];
        let positions = holdings.map(|(symbol, quantity, cost)| FixturePosition {
            symbol: symbol.to_owned(),
            quantity,
            average_cost: Some(cost),
        });
        let mut fixture = Self {
            accounts: with_cash(accounts),
            ..Self::default()
        };
        if let Some(first) = fixture.accounts.first_mut() {
            first.positions = positions.to_vec();
        }
        fixture
    }

    /// Builds the exchange that starts like this.
    pub(crate) fn build(
        mut self,
        accounts: &[String],
        seed: u64,
        now: OffsetDateTime,
    ) -> Result<Exchange, SimulatorError> {
        if self.accounts.is_empty() {
            self.accounts = with_cash(accounts);
        }
        let instruments = built_in_instruments(clock::eastern(now).date());
        let symbols = Symbols::new(&instruments);
        let mut prices = HashMap::new();
        for (symbol, price) in &self.prices {
            if *price <= Decimal::ZERO || *price > dec!(10_000_000) {
                return Err(SimulatorError::Fixture(format!(
                    "the price of {symbol} is {price}, expected a positive number"
                )));
            }
            prices.insert(symbols.con_id(symbol)?, *price);
        }
        let mut recorded = HashMap::new();
        for history in &self.history {
            BarSize::parse(&history.bar_size)
                .map_err(|refusal| SimulatorError::Fixture(refusal.text))?;
            let bars = history
                .bars
                .iter()
                .map(FixtureBar::read)
                .collect::<Result<Vec<Bar>, SimulatorError>>()?;
            recorded.insert(
                (symbols.con_id(&history.symbol)?, history.bar_size.clone()),
                bars,
            );
        }
        let ids: Vec<Vec<i32>> = self
            .accounts
            .iter()
            .map(|account| {
                account
                    .positions
                    .iter()
                    .map(|position| symbols.con_id(&position.symbol))
                    .collect()
            })
            .collect::<Result<_, SimulatorError>>()?;
        let market = Market::new(instruments, &prices, seed, now);
        let ledgers = self
            .accounts
            .into_iter()
            .zip(ids)
            .map(|(account, ids)| account.open(&ids, &market))
            .collect::<Result<Vec<Ledger>, SimulatorError>>()?;
        Ok(Exchange::new(
            market,
            History::new(seed, now, recorded),
            ledgers,
        ))
    }
}

impl FixtureAccount {
    fn open(self, ids: &[i32], market: &Market) -> Result<Ledger, SimulatorError> {
        let mut positions = BTreeMap::new();
        for (position, &con_id) in self.positions.iter().zip(ids) {
            let Some(instrument) = market
                .instrument(con_id)
                .filter(|instrument| instrument.is_tradable())
            else {
                return Err(SimulatorError::Fixture(format!(
                    "{} cannot be held",
                    position.symbol
                )));
            };
            if instrument.sec_type == SecType::Forex {
                return Err(SimulatorError::Fixture(format!(
                    "{} is held as cash: give an amount of {} in cash",
                    position.symbol, instrument.symbol
                )));
            }
            if position.quantity.abs() > LIMIT
                || position.average_cost.is_some_and(|cost| cost.abs() > LIMIT)
            {
                return Err(SimulatorError::Fixture(format!(
                    "{}: quantity and cost go up to {LIMIT}",
                    position.symbol
                )));
            }
            let value = market.mark(con_id) * instrument.multiplier;
            let cost = position.quantity * position.average_cost.unwrap_or(value);
            if positions
                .insert(con_id, (position.quantity, cost))
                .is_some()
            {
                return Err(SimulatorError::Fixture(format!(
                    "{} is held twice",
                    position.symbol
                )));
            }
        }
        for currency in self.cash.keys().filter(|currency| *currency != "USD") {
            if pair(market, currency).is_none() {
                return Err(SimulatorError::Fixture(format!(
                    "no forex pair of the exchange prices {currency}"
                )));
            }
        }
        if self.cash.values().any(|amount| amount.abs() > MAX_CASH) {
            return Err(SimulatorError::Fixture(format!(
                "{}: cash goes up to {}",
                self.account, MAX_CASH
            )));
        }
        Ok(Ledger::open(self.account, self.cash, positions, market))
    }
}

impl FixtureBar {
    fn read(&self) -> Result<Bar, SimulatorError> {
        let start = clock::parse(&self.time).ok_or_else(|| {
            SimulatorError::Fixture(format!(
                "{:?} is not a bar's time: expected YYYYMMDD or YYYYMMDD HH:MM:SS",
                self.time
            ))
        })?;
        let is_day = self.time.trim().len() == 8;
        Ok(Bar {
            start,
            day: is_day.then(|| clock::eastern(start).date()),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            traded: Some(Traded {
                volume: self.volume,
                average: ((self.open + self.high + self.low + self.close) / dec!(4)).round_dp(6),
                count: 1,
            }),
        })
    }
}

fn with_cash(accounts: &[String]) -> Vec<FixtureAccount> {
    accounts
        .iter()
        .map(|account| FixtureAccount {
            account: account.clone(),
            cash: BTreeMap::from([(String::from("USD"), dec!(100_000))]),
            positions: Vec::new(),
        })
        .collect()
}

struct Symbols<'a>(HashMap<&'a str, i32>);

impl<'a> Symbols<'a> {
    fn new(instruments: &'a [Instrument]) -> Self {
        // In reverse, so that the first instrument with a symbol is the one it names.
        Self(
            instruments
                .iter()
                .rev()
                .map(|instrument| (instrument.local_symbol.as_str(), instrument.con_id))
                .collect(),
        )
    }

    fn con_id(&self, symbol: &str) -> Result<i32, SimulatorError> {
        self.0.get(symbol).copied().ok_or_else(|| {
            SimulatorError::Fixture(format!(
                "the exchange has no instrument with the local symbol {symbol:?}"
            ))
        })
    }
}
