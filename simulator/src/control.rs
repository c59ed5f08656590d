//! The levers that make a test repeatable, and that break things on purpose.

use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;

use crate::books::{Books, OrderChange};
use crate::chaos::{Fault, Happened, Script};
use crate::error::ControlError;
use crate::inspect::{ConnectionInfo, ConnectionTotals};
use crate::session::received::Received;
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
        self.always(Fault::Freeze);
    }

    /// Lets the market move again.
    pub fn thaw(&self) {
        self.always(Fault::Thaw);
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
        self.act(Fault::SetPrice {
            symbol: local_symbol.to_owned(),
            price,
        })
    }

    /// The contract id of the instrument with this local symbol.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownInstrument`].
    pub fn con_id(&self, local_symbol: &str) -> Result<i32, ControlError> {
        lock(&self.world).con_id(local_symbol)
    }

    /// The instrument's price: the middle of bid and ask, in its currency.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownInstrument`].
    pub fn price(&self, local_symbol: &str) -> Result<Decimal, ControlError> {
        let world = lock(&self.world);
        Ok(world.exchange.market.mark(world.con_id(local_symbol)?))
    }

    /// Lets no order fill until [`Control::resume_fills`].
    pub fn pause_fills(&self) {
        self.always(Fault::PauseFills);
    }

    /// Lets orders fill again; those that can do so at once.
    pub fn resume_fills(&self) {
        self.always(Fault::ResumeFills);
    }

    /// Holds the opening auction: orders with OPG trade or are cancelled.
    pub fn open_market(&self) {
        self.always(Fault::OpenMarket);
    }

    /// Holds the closing auction: MOC and LOC orders trade or are cancelled, DAY orders end.
    pub fn close_market(&self) {
        self.always(Fault::CloseMarket);
    }

    /// Sends nothing more, to no client: a TWS that hangs. Requests are recorded and never
    /// answered, not even after [`Control::end_silence`].
    pub fn go_silent(&self) {
        self.always(Fault::Silence);
    }

    /// Answers again.
    pub fn end_silence(&self) {
        self.always(Fault::EndSilence);
    }

    /// Sends a notice without a request to every client, such as 1100 (link to the servers
    /// lost), 1102 (restored) or 2103 (a data farm is gone).
    pub fn notify(&self, code: i32, text: &str) {
        self.always(Fault::Notice {
            code,
            text: text.to_owned(),
        });
    }

    /// Ends every connection, as a restart of TWS does. Orders and positions stay.
    pub fn drop_connections(&self) {
        self.always(Fault::DropConnections);
    }

    /// Closes new connections as soon as they are made, until [`Control::accept_connections`].
    pub fn refuse_connections(&self) {
        self.always(Fault::RefuseConnections);
    }

    /// Accepts new connections again.
    pub fn accept_connections(&self) {
        self.always(Fault::AcceptConnections);
    }

    /// Does one thing, now.
    ///
    /// # Errors
    ///
    /// [`ControlError`] for an instrument that does not exist or a price that is not positive.
    pub fn act(&self, fault: Fault) -> Result<(), ControlError> {
        lock(&self.world).act(fault)
    }

    /// Does what cannot fail.
    fn always(&self, fault: Fault) {
        let done = self.act(fault);
        debug_assert!(done.is_ok(), "only a price can be refused: {done:?}");
    }

    /// Plays a script from now on, beside those that are being played.
    pub fn play(&self, script: Script) {
        lock(&self.world).play(script);
    }

    /// Plays no script any further. What was done stays; see [`Fault::Heal`].
    pub fn stop_scripts(&self) {
        lock(&self.world).stop_scripts();
    }

    /// What was done through this and by scripts, and what came of it, oldest first: the last
    /// 100,000 lines. A test that fails prints it, with the seed that repeats it.
    pub fn happened(&self) -> Vec<Happened> {
        lock(&self.world).happened()
    }

    /// The books as they stand.
    pub fn books(&self) -> Books {
        lock(&self.world).exchange.books()
    }

    /// The connections there are, oldest first.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        lock(&self.world).connections()
    }

    /// How many connections there have been.
    pub fn connection_totals(&self) -> ConnectionTotals {
        lock(&self.world).totals()
    }

    /// What clients asked, oldest first: the last 100,000 requests.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.world).received()
    }

    /// What became of orders, change by change, oldest first: the last 100,000 changes. With
    /// [`Control::books`] it tells what was open and what was held at any instant.
    pub fn order_changes(&self) -> Vec<OrderChange> {
        lock(&self.world).exchange.changes().cloned().collect()
    }

    /// How many steps the market has taken.
    pub fn steps(&self) -> u64 {
        lock(&self.world).steps
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Control").finish_non_exhaustive()
    }
}
