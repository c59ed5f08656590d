//! The levers that make a test repeatable, and that break things on purpose.

use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;

use crate::error::ControlError;
use crate::exchange::trigger::Auction;
use crate::world::{World, lock};

/// Moves the market and breaks the connection as a test wishes. Cheap to clone; what it does
/// is done when the call returns, and what clients are told of it is queued.
#[derive(Clone)]
pub struct Control {
    world: Arc<Mutex<World>>,
}

impl Control {
    pub(crate) fn new(world: Arc<Mutex<World>>) -> Self {
        Self { world }
    }

    /// Stops the market: prices stay where they are until [`Control::step`],
    /// [`Control::set_price`] or [`Control::thaw`]. Orders that can trade at these prices still do.
    pub fn freeze(&self) {
        lock(&self.world).is_frozen = true;
    }

    /// Lets the market move again.
    pub fn thaw(&self) {
        lock(&self.world).is_frozen = false;
    }

    /// Moves the market by this many steps, frozen or not.
    pub fn step(&self, steps: u32) {
        for _ in 0..steps {
            lock(&self.world).step();
        }
    }

    /// Sets an instrument's price, in its currency, rounded to its smallest step. Bid and ask
    /// are one step below and above it. Orders react at once.
    ///
    /// Instruments go by their local symbol: a stock's symbol, `EUR.USD`, `ESZ6`.
    ///
    /// # Errors
    ///
    /// [`ControlError`] for an instrument that does not exist or a price that is not positive.
    pub fn set_price(&self, local_symbol: &str, price: Decimal) -> Result<(), ControlError> {
        if price <= Decimal::ZERO || price > Decimal::from(10_000_000) {
            return Err(ControlError::BadPrice(price));
        }
        let mut world = lock(&self.world);
        let con_id = find(&world, local_symbol)?;
        world.set_price(con_id, price);
        Ok(())
    }

    /// The contract id of the instrument with this local symbol.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownInstrument`].
    pub fn con_id(&self, local_symbol: &str) -> Result<i32, ControlError> {
        find(&lock(&self.world), local_symbol)
    }

    /// The instrument's price: the middle of bid and ask, in its currency.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownInstrument`].
    pub fn price(&self, local_symbol: &str) -> Result<Decimal, ControlError> {
        let world = lock(&self.world);
        Ok(world.exchange.market.mark(find(&world, local_symbol)?))
    }

    /// Lets no order fill until [`Control::resume_fills`].
    pub fn pause_fills(&self) {
        lock(&self.world).pause_fills(true);
    }

    /// Lets orders fill again; those that can do so at once.
    pub fn resume_fills(&self) {
        lock(&self.world).pause_fills(false);
    }

    /// Holds the opening auction: orders with OPG trade or are cancelled.
    pub fn open_market(&self) {
        lock(&self.world).auction(Auction::Open);
    }

    /// Holds the closing auction: MOC and LOC orders trade or are cancelled, DAY orders end.
    pub fn close_market(&self) {
        lock(&self.world).auction(Auction::Close);
    }

    /// Sends nothing more, to no client: a TWS that hangs. Requests are recorded and never
    /// answered, not even after [`Control::end_silence`].
    pub fn go_silent(&self) {
        lock(&self.world).silence(true);
    }

    /// Answers again.
    pub fn end_silence(&self) {
        lock(&self.world).silence(false);
    }

    /// Sends a notice without a request to every client, such as 1100 (link to the servers
    /// lost), 1102 (restored) or 2103 (a data farm is gone).
    pub fn notify(&self, code: i32, text: &str) {
        lock(&self.world).notify(code, text);
    }

    /// Ends every connection, as a restart of TWS does. Orders and positions stay.
    pub fn drop_connections(&self) {
        lock(&self.world).drop_connections();
    }

    /// Closes new connections as soon as they are made, until [`Control::accept_connections`].
    pub fn refuse_connections(&self) {
        lock(&self.world).refuses_connections = true;
    }

    /// Accepts new connections again.
    pub fn accept_connections(&self) {
        lock(&self.world).refuses_connections = false;
    }
}

fn find(world: &World, local_symbol: &str) -> Result<i32, ControlError> {
    world
        .exchange
        .market
        .by_local_symbol(local_symbol)
        .map(|instrument| instrument.con_id)
        .ok_or_else(|| ControlError::UnknownInstrument(local_symbol.to_owned()))
}

impl std::fmt::Debug for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Control").finish_non_exhaustive()
    }
}
