//! Positions: kept up to date by one subscription, for as long as somebody asks.
//!
//! TWS sends all positions once and then what changes. A fill comes by another
//! way than the position that it makes, and may come first. So whoever asks
//! after a fill that the order book has seen is answered from a list that TWS
//! was asked for after that fill: a position is never older than the fills that
//! are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use ibapi::accounts::PositionUpdate;
use ibapi::subscriptions::SubscriptionItem;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, contract::describe};
use crate::farms::FarmState;
use crate::feed::{Freshness, Pending};
use crate::model::{Error, Position, Result};
use crate::session::Session;
use crate::shared::{Hub, Line, Source, before_cancel, pump};

/// The positions of all accounts of a gateway.
pub(crate) type PositionHub = Hub<(), Positions>;

/// All positions of all accounts.
#[derive(Default)]
pub(crate) struct Positions {
    /// Asks for the whole list once more.
    again: Notify,
}

/// What tells one position from another.
type Key = (String, Option<i32>, String);

/// What is known of the positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    /// With those that were closed today, as zero.
    positions: BTreeMap<Key, Position>,
    /// The list that is coming in, until its end.
    coming: BTreeMap<Key, Position>,
    /// How many fills the book had seen when the latest whole list was asked
    /// for.
    fills: Option<u64>,
    is_news: bool,
}

impl Held {
    fn add(&mut self, position: &Position, is_whole: bool) {
        let key = (
            position.account.clone(),
            position.contract.con_id,
            describe(&position.contract),
        );
        let list = if is_whole {
            &mut self.positions
        } else {
            &mut self.coming
        };
        list.insert(key, position.clone());
    }

    /// The list that was asked for after so many fills is whole.
    fn complete(&mut self, fills: u64) {
        self.positions = std::mem::take(&mut self.coming);
        self.fills = Some(fills);
        self.is_news = true;
    }
}

impl Pending for Held {
    /// The positions, the fills that they have at least, and whether they can
    /// be relied on. None as long as there is no whole list.
    type Batch = Option<(Vec<Position>, u64, Freshness)>;

    fn is_empty(&self) -> bool {
        !self.is_news
    }

    fn take(&mut self, freshness: Freshness) -> Self::Batch {
        self.is_news = false;
        let fills = self.fills?;
        let positions = self.positions.values().cloned().collect();
        Some((positions, fills, freshness))
    }
}

impl Gateway {
    /// All positions of all accounts (TWS `reqPositions`). What was closed
    /// today is not among them. They are kept up to date while somebody asks,
    /// and are never older than the fills that the order book has seen.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.positions", skip_all, fields(gateway = self.name()))]
    pub async fn positions(&self) -> Result<Vec<Position>> {
        let mut positions = self.all_positions().await?;
        positions.retain(|position| !position.quantity.is_zero());
        Ok(positions)
    }

    /// As [`positions`](Self::positions), with what was closed today.
    pub(crate) async fn all_positions(&self) -> Result<Vec<Position>> {
        let session = self.session()?;
        let needed = session.book.fills();
        let deadline = Instant::now() + session.config.request_timeout;
        let hub = &self.data().positions;
        let none_free = |_: &[Arc<Line<Positions>>]| codes::timed_out("the positions");
        let joining = hub.join((), "", self.sessions(), Positions::default, none_free);
        let reader = tokio::time::timeout_at(deadline, joining).await;
        let mut reader = reader.unwrap_or_else(|_| Err(codes::timed_out("the positions")))?;
        let mut has_asked = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(Some((positions, fills, freshness))) = reader.next(left).await? {
                if fills >= needed && !freshness.is_stale {
                    return Ok(positions);
                }
                if !has_asked && let Some(line) = hub.line(&()) {
                    has_asked = true;
                    line.source.again.notify_one();
                }
            }
            if Instant::now() >= deadline {
                return Err(codes::timed_out("the positions"));
            }
            if session.closing.is_cancelled() {
                return Err(codes::client_error(
                    &ibapi::Error::ConnectionReset,
                    "the positions",
                ));
            }
        }
    }
}

impl Source for Positions {
    type State = Held;

    fn what(&self) -> String {
        "the positions".to_owned()
    }

    async fn follow(
        line: Arc<Line<Self>>,
        session: Arc<Session>,
        stop: CancellationToken,
    ) -> Result<()> {
        loop {
            let round = stop.child_token();
            let fills = session.book.fills();
            let listing = list(&line, &session, &round, fills);
            let mut listing = std::pin::pin!(listing);
            loop {
                tokio::select! {
                    outcome = &mut listing => return outcome,
                    () = line.source.again.notified() => {}
                }
                // Who asked before this list was asked for is answered by it.
                if session.book.fills() > fills {
                    break;
                }
            }
            round.cancel();
            listing.await?;
            session.pacing.order().await;
        }
    }

    fn is_urgent(&self) -> bool {
        true
    }

    /// TWS answers from what it has itself, whatever becomes of its links.
    fn troubled(_farms: &FarmState) -> Option<OffsetDateTime> {
        None
    }

    fn begin(known: &Held) -> Held {
        Held {
            is_news: known.fills.is_some(),
            ..known.clone()
        }
    }

    fn renew(known: &mut Held) {
        known.fills = None;
        known.coming.clear();
    }

    fn renew_pending(pending: &mut Held) {
        pending.fills = None;
        pending.coming.clear();
    }
}

/// Asks for all positions, and follows their changes until `stop`.
async fn list(
    line: &Line<Positions>,
    session: &Session,
    stop: &CancellationToken,
    fills: u64,
) -> Result<()> {
    let what = "the positions";
    let failed = |error: &ibapi::Error| codes::client_error(error, what);
    let rows = session.client.positions().await;
    let mut rows = rows.map_err(|error| failed(&error))?;
    line.tell(OffsetDateTime::now_utc(), |held| held.coming.clear());
    let mut is_whole = false;
    let outcome = pump(&mut rows, stop, failed, |item| {
        let now = OffsetDateTime::now_utc();
        match item {
            SubscriptionItem::Data(PositionUpdate::Position(row)) => {
                if let Some(position) = convert::account::position(&row) {
                    line.tell(now, |held| held.add(&position, is_whole));
                }
            }
            SubscriptionItem::Data(PositionUpdate::PositionEnd) => {
                if !is_whole {
                    is_whole = true;
                    line.tell(now, |held| held.complete(fills));
                }
            }
            SubscriptionItem::Notice(notice) if notice.code == ibapi::SUBSCRIPTION_LAG_CODE => {
                // A list with a gap is no list.
                return Err(Error::NotConnected(notice.message));
            }
            SubscriptionItem::Notice(_) => {}
        }
        Ok(())
    })
    .await;
    before_cancel(session).await;
    rows.cancel().await;
    outcome
}
