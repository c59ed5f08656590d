//! The market: every instrument and its quote.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::derive;
use super::instrument::Instrument;
use super::quote::Quote;

/// Every instrument, its quote, and the seeded process that moves them.
#[derive(Debug)]
pub(crate) struct Market {
    instruments: BTreeMap<i32, Arc<Instrument>>,
    quotes: HashMap<i32, Quote>,
    anchors: HashMap<i32, Decimal>,
    /// Derivatives whose price was set by hand, and which follow nothing any more.
    pinned: HashSet<i32>,
    random: ChaCha8Rng,
}

impl Market {
    /// A market at its starting prices. `prices` replaces the built-in ones, by contract id.
    pub(crate) fn new(
        instruments: Vec<Instrument>,
        prices: &HashMap<i32, Decimal>,
        seed: u64,
        now: OffsetDateTime,
    ) -> Self {
        let mut market = Self {
            instruments: BTreeMap::new(),
            quotes: HashMap::new(),
            anchors: HashMap::new(),
            pinned: HashSet::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        };
        // Underlyings come first in the catalogue, so a derivative finds its own.
        for instrument in instruments {
            let set = prices.get(&instrument.con_id).copied();
            let price = set.unwrap_or_else(|| {
                market
                    .follow(&instrument, now)
                    .unwrap_or(instrument.start_price)
            });
            if set.is_some() && instrument.underlying.is_some() {
                market.pinned.insert(instrument.con_id);
            }
            let quote = Quote::new(&instrument, price, &mut market.random);
            market.anchors.insert(instrument.con_id, quote.mark);
            market.quotes.insert(instrument.con_id, quote);
            market
                .instruments
                .insert(instrument.con_id, Arc::new(instrument));
        }
        market
    }

    /// Every instrument, by contract id.
    pub(crate) fn instruments(&self) -> impl Iterator<Item = &Arc<Instrument>> {
        self.instruments.values()
    }

    /// The instrument with this contract id.
    pub(crate) fn instrument(&self, con_id: i32) -> Option<&Arc<Instrument>> {
        self.instruments.get(&con_id)
    }

    /// The instrument with this local symbol, a stock before anything else.
    pub(crate) fn by_local_symbol(&self, local_symbol: &str) -> Option<&Arc<Instrument>> {
        self.instruments
            .values()
            .filter(|instrument| instrument.local_symbol == local_symbol)
            .min_by_key(|instrument| instrument.sec_type)
    }

    /// The instrument's quote.
    pub(crate) fn quote(&self, con_id: i32) -> Option<&Quote> {
        self.quotes.get(&con_id)
    }

    /// What a unit is worth; zero for an instrument that does not exist.
    pub(crate) fn mark(&self, con_id: i32) -> Decimal {
        self.quotes
            .get(&con_id)
            .map_or(Decimal::ZERO, |quote| quote.mark)
    }

    /// The price that follows from the underlying's, for a derivative that follows it.
    fn follow(&self, instrument: &Instrument, now: OffsetDateTime) -> Option<Decimal> {
        if self.pinned.contains(&instrument.con_id) {
            return None;
        }
        let underlying = self.quotes.get(&instrument.underlying?)?;
        Some(derive::price(instrument, underlying.mark, now))
    }

    /// Moves every price by one step.
    pub(crate) fn step(&mut self, now: OffsetDateTime) {
        let instruments: Vec<Arc<Instrument>> = self.instruments.values().cloned().collect();
        // Twice over, because an underlying may have a higher contract id than its derivatives.
        for instrument in instruments
            .iter()
            .filter(|instrument| instrument.underlying.is_none())
        {
            let anchor = self
                .anchors
                .get(&instrument.con_id)
                .copied()
                .unwrap_or(instrument.start_price);
            let Some(quote) = self.quotes.get_mut(&instrument.con_id) else {
                continue;
            };
            let price = if self.random.random_bool(0.7) {
                quote.walk(instrument, anchor, &mut self.random)
            } else {
                quote.mark
            };
            quote.show(instrument, price, &mut self.random);
            quote.print(&mut self.random);
        }
        for instrument in instruments
            .iter()
            .filter(|instrument| instrument.underlying.is_some())
        {
            let price = self.follow(instrument, now);
            let Some(quote) = self.quotes.get_mut(&instrument.con_id) else {
                continue;
            };
            quote.show(instrument, price.unwrap_or(quote.mark), &mut self.random);
            quote.print(&mut self.random);
        }
    }

    /// Sets an instrument's price, and with it those of its derivatives.
    pub(crate) fn set_price(&mut self, con_id: i32, price: Decimal, now: OffsetDateTime) {
        let Some(instrument) = self.instruments.get(&con_id).cloned() else {
            return;
        };
        if instrument.underlying.is_some() {
            self.pinned.insert(con_id);
        }
        if let Some(quote) = self.quotes.get_mut(&con_id) {
            quote.show(&instrument, price, &mut self.random);
            self.anchors.insert(con_id, quote.mark);
        }
        let followers: Vec<Arc<Instrument>> = self
            .instruments
            .values()
            .filter(|other| other.underlying == Some(con_id))
            .cloned()
            .collect();
        for follower in followers {
            if let Some(price) = self.follow(&follower, now)
                && let Some(quote) = self.quotes.get_mut(&follower.con_id)
            {
                quote.show(&follower, price, &mut self.random);
            }
        }
    }
}
