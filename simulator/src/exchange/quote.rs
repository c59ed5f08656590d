//! What the market shows of one instrument, and how it moves.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use rust_decimal::dec;

use super::instrument::{Instrument, SecType};
use crate::number;

/// Buying or selling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Buy,
    Sell,
}

impl Side {
    /// The other one.
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// A quantity with this side's sign.
    pub(crate) fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

/// The state of one instrument's market. Prices are in the instrument's currency.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quote {
    /// The middle of bid and ask: what positions are valued at.
    pub(crate) mark: Decimal,
    pub(crate) bid: Decimal,
    pub(crate) ask: Decimal,
    pub(crate) bid_size: Decimal,
    pub(crate) ask_size: Decimal,
    pub(crate) last: Decimal,
    pub(crate) last_size: Decimal,
    pub(crate) volume: Decimal,
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    /// The previous session's close.
    pub(crate) close: Decimal,
    /// The resting side that someone traded against in the last step.
    pub(crate) taken: Option<Side>,
}

/// The seconds of a year's trading, which volatility is spread over.
const SECONDS_OF_TRADING: f64 = 252.0 * 6.5 * 3600.0;
/// The market moves as if each step were this many seconds: lively enough to watch.
const SECONDS_PER_STEP: f64 = 5.0;

impl Quote {
    /// The market before the first step.
    pub(crate) fn new(instrument: &Instrument, price: Decimal, random: &mut ChaCha8Rng) -> Self {
        let change = Decimal::from(random.random_range(-80..=80_i64)) / dec!(10000);
        let close = number::round_to(price * (Decimal::ONE + change), instrument.min_tick)
            .max(instrument.min_tick);
        let mut quote = Self {
            mark: price,
            bid: price,
            ask: price,
            bid_size: Decimal::ZERO,
            ask_size: Decimal::ZERO,
            last: price,
            last_size: Decimal::ZERO,
            volume: Decimal::ZERO,
            open: price,
            high: price,
            low: price,
            close,
            taken: None,
        };
        if instrument.is_tradable() {
            quote.volume = size(instrument, random) * dec!(400);
        }
        quote.show(instrument, price, random);
        quote
    }

    /// Where the price process goes in one step: a random walk drawn back to where it began,
    /// so that a simulator left running keeps plausible prices.
    pub(crate) fn walk(
        &self,
        instrument: &Instrument,
        anchor: Decimal,
        random: &mut ChaCha8Rng,
    ) -> Decimal {
        let price = number::to_double(self.mark);
        let deviation =
            price * instrument.volatility * (SECONDS_PER_STEP / SECONDS_OF_TRADING).sqrt();
        let pull = (number::to_double(anchor) - price) * 0.0005;
        // The sum of four uniform numbers is close enough to a normal one.
        let shock: f64 = (0..4)
            .map(|_| random.random_range(-1.0..1.0_f64))
            .sum::<f64>()
            * 0.866;
        let moved =
            number::from_double(Some(price + pull + deviation * shock)).unwrap_or(self.mark);
        number::round_to(moved, instrument.min_tick)
    }

    /// Shows a market around `price`, with new sizes.
    pub(crate) fn show(
        &mut self,
        instrument: &Instrument,
        price: Decimal,
        random: &mut ChaCha8Rng,
    ) {
        let tick = instrument.min_tick;
        let price = number::round_to(price, tick).max(tick + tick);
        self.mark = price;
        self.last = price;
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.taken = None;
        if instrument.is_tradable() {
            self.bid = price - tick;
            self.ask = price + tick;
            self.bid_size = size(instrument, random);
            self.ask_size = size(instrument, random);
            self.last_size = (size(instrument, random) / dec!(5))
                .trunc()
                .max(Decimal::ONE);
        }
    }

    /// One trade by someone else, against the bid or the ask.
    pub(crate) fn print(&mut self, random: &mut ChaCha8Rng) {
        self.volume += self.last_size;
        self.taken = match random.random_range(0..4_u8) {
            0 => Some(Side::Buy),
            1 => Some(Side::Sell),
            _ => None,
        };
    }

    /// The price at which an order of this side can trade at once.
    pub(crate) fn opposite(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        }
    }

    /// The price at which an order of this side joins those that wait.
    pub(crate) fn near(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }

    /// How much can trade at the opposite price in one step.
    pub(crate) fn available(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.ask_size,
            Side::Sell => self.bid_size,
        }
    }
}

/// A displayed size in the units the instrument trades in.
fn size(instrument: &Instrument, random: &mut ChaCha8Rng) -> Decimal {
    let (from, to, lot) = match instrument.sec_type {
        SecType::Stock => (5, 30, 100),
        SecType::Option => (10, 90, 1),
        SecType::Future => (8, 60, 1),
        SecType::Forex => (10, 50, 100_000),
        SecType::Index | SecType::Combo => (0, 0, 1),
    };
    Decimal::from(random.random_range(from..=to) * lot)
}
