//! Holding the orders against TWS: after each connect, and whenever TWS was
//! away. What happened meanwhile is journalled and told, and of each order that
//! was in flight it is found out what became of it.

use std::collections::HashSet;
use std::sync::Arc;

use ibapi::orders as ib;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::book::Book;
use super::checking;
use super::entry::Entry;
use super::reading::{Listed, collect};
use crate::codes::{self, OrderMessage};
use crate::journal::{About, Event, Found, Gap, GapKind, Note, Reconciled, StateRecord};
use crate::model::{OrderStatus, Result};
use crate::session::Session;

/// How often an order that TWS does not list is looked for again before it is
/// taken for one that never arrived.
const LOOKS: u32 = 2;

/// Holds the orders against TWS. Call it on a new session before it is
/// published, and on one whose TWS was away from IBKR. An order that was in
/// flight and that TWS does not list is looked for again in the background: it
/// may still be on its way. Until then it stays uncertain, and counts as open.
///
/// # Errors
/// `TimedOut`, `NotConnected` and so on, if TWS cannot be asked.
pub(crate) async fn after_connect(session: &Arc<Session>) -> Result<()> {
    let work = {
        let session = Arc::clone(session);
        async move { reconcile(&session).await }
    };
    let what = "what became of the orders";
    session
        .run(what, session.config.request_timeout, work)
        .await
}

/// TWS's word on an order never came although the connection stands, or TWS
/// says that it does not know the order: looks for it, in the background.
pub(super) fn look_soon(session: &Arc<Session>, order_id: i32) {
    session.book.with(order_id, |entry| {
        entry.lost = true;
        if entry.state.status == OrderStatus::Staged {
            entry.state.status = OrderStatus::ApiPending;
        }
    });
    session.book.changed();
    look_again(session, Vec::new());
}

async fn reconcile(session: &Arc<Session>) -> Result<()> {
    let book = &session.book;
    let _turn = book.looking.lock().await;
    let accounts = session.client.handshake_managed_accounts();
    if let Err(error) = book.recover(accounts).await {
        tracing::error!("The orders from before the start are not known: {error}");
    }
    let missing = look(session, &[]).await?;
    if let Some(lost_at) = book.back() {
        let away = OffsetDateTime::now_utc() - lost_at;
        tracing::info!("The orders are held against TWS after {away:.1} without it");
    }
    book.settled().await;
    checking::check_fills(session).await;
    if !missing.is_empty() {
        tracing::warn!("TWS does not list the orders {missing:?}: looking for them again");
        look_again(session, missing);
    }
    Ok(())
}

/// Looks again, after a while, for orders that TWS does not list.
fn look_again(session: &Arc<Session>, mut missing: Vec<i32>) {
    let (session, closing) = (Arc::clone(session), session.closing.clone());
    let tasks = session.tasks.clone();
    let work = async move {
        for number in 1..=LOOKS {
            tokio::time::sleep(session.config.order_look_again).await;
            let _turn = session.book.looking.lock().await;
            let last = number == LOOKS;
            let certain = if last { missing.as_slice() } else { &[] };
            match look(&session, certain).await {
                Ok(still) => missing = still,
                // The next connection begins with a look.
                Err(error) => return tracing::warn!("Looking for orders: {error}"),
            }
        }
    };
    tasks.spawn(async move {
        tokio::select! {
            () = closing.cancelled() => {}
            () = work => {}
        }
    });
}

/// Asks TWS for all orders and executions, and takes them in. Answers which
/// orders it does not list; of those in `certain` it is certain then.
async fn look(session: &Arc<Session>, certain: &[i32]) -> Result<Vec<i32>> {
    let book = &session.book;
    let before = book.before();
    let own = |listed: &Listed| listed.placed.state.client_id == session.address.client_id;
    let mut open = session.list_open_orders().await?;
    open.retain(own);
    read_executions(session).await?;
    book.take_open(&open, &before);
    let gone = book.gone(&open, &before);
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let completed = session.list_completed_orders().await?;
    let mut missing = Vec::new();
    for order_id in gone {
        if !book.take_completed(order_id, &completed) {
            missing.push(order_id);
        }
    }
    let mut still = Vec::new();
    for order_id in missing {
        if !certain.contains(&order_id) {
            still.push(order_id);
            continue;
        }
        match ask_by_cancel(session, order_id).await {
            Whereabouts::Nowhere => book.give_up(order_id),
            Whereabouts::Ended => {}
            Whereabouts::Unknown => still.push(order_id),
        }
    }
    book.changed();
    Ok(still)
}

/// Where an order is that TWS does not list.
enum Whereabouts {
    Nowhere,
    Ended,
    Unknown,
}

/// TWS does not list what it holds until it is transmitted. Of a group that
/// broke in the middle, such an order is taken back, and TWS's answer tells
/// whether it had it. Any other order that it does not list is nowhere.
async fn ask_by_cancel(session: &Session, order_id: i32) -> Whereabouts {
    let book = &session.book;
    let held = book.with(order_id, |entry| {
        !entry.order.transmit && entry.state.perm_id.is_none()
    });
    if held != Some(true) {
        return Whereabouts::Nowhere;
    }
    // The end of its parent may have been its own.
    if book.take_completed(order_id, &[]) {
        return Whereabouts::Ended;
    }
    let why = "The host cancels it: it was to be transmitted with others that never arrived.";
    book.note(order_id, why).await;
    book.with(order_id, Entry::listen);
    session.pacing.order().await;
    let sent = session.client.cancel_order(order_id, "").await;
    let deadline = Instant::now() + session.config.order_timeout;
    if sent.is_ok() {
        // The answers come by the stream of order updates.
        let answered = |entry: &mut Entry| {
            let ended = entry.state.status.is_final();
            (ended || entry.lost || entry.cancel_answer.is_some()).then_some(())
        };
        book.wait(order_id, deadline, answered).await;
    }
    let answer = book.with(order_id, |entry| {
        entry.lost = true;
        entry.refusal = None;
        entry.cancel_answer.take()
    });
    match answer.flatten() {
        Some((OrderMessage::Unknown, _)) => Whereabouts::Nowhere,
        _ if book.take_completed(order_id, &[]) => Whereabouts::Ended,
        _ => Whereabouts::Unknown,
    }
}

async fn read_executions(session: &Session) -> Result<()> {
    let what = "the executions";
    let failed = |error: ibapi::Error| codes::client_error(&error, what);
    let all = ib::ExecutionFilter::default();
    let rows = session.client.executions(all).await.map_err(failed)?;
    let rows = collect(rows, what).await?;
    let known = session.book.executions();
    session.book.hear(&rows).await;
    let new = session.book.executions();
    for execution in new.iter().filter(|one| !known.contains(*one)) {
        tracing::info!("A fill was told when TWS was asked for it: {execution}");
    }
    Ok(())
}

/// Orders as they stood before TWS was asked.
pub(super) struct Before {
    /// Those that had ended.
    ended: HashSet<i32>,
    /// Those of which TWS must know something.
    expected: Vec<i32>,
}

impl Book {
    fn before(&self) -> Before {
        let state = self.state();
        let mut before = Before {
            ended: HashSet::new(),
            expected: Vec::new(),
        };
        for (id, entry) in &state.orders {
            if entry.state.status.is_final() {
                before.ended.insert(*id);
            }
            // What is in flight right now will be heard of. TWS tells nothing
            // of an order that it holds until it is transmitted.
            let spoken = entry.heard || entry.lost;
            let open = !entry.state.status.is_final() || entry.lost;
            if spoken && open && entry.state.status != OrderStatus::Staged {
                before.expected.push(*id);
            }
        }
        before
    }

    /// Takes in the open orders of this client.
    fn take_open(&self, open: &[Listed], before: &Before) {
        let mut state = self.state();
        for listed in open {
            let told = &listed.placed.state;
            let Some(entry) = state.orders.get_mut(&told.order_id) else {
                continue;
            };
            if before.ended.contains(&told.order_id) {
                entry.revive(told);
                let sentence = "TWS lists it as open, although it was thought to have ended.";
                tracing::error!("Order {}: {sentence}", told.order_id);
                self.record_found(entry, Found::Working, sentence.to_owned());
                continue;
            }
            let lost = entry.lost;
            entry.on_list(told);
            if lost {
                let found = found(&entry.state.status);
                let words = crate::journal::OrderRecord::from(&entry.order).words();
                let sentence = format!("TWS lists it among the open orders, as {words}.");
                tracing::info!("Order {} was uncertain. {sentence}", told.order_id);
                self.record_found(entry, found, sentence);
            } else {
                self.record_state(entry);
            }
        }
    }

    /// Which of the expected orders are not among the open ones.
    fn gone(&self, open: &[Listed], before: &Before) -> Vec<i32> {
        let listed: HashSet<i32> = open
            .iter()
            .map(|listed| listed.placed.state.order_id)
            .collect();
        let expected = before.expected.iter().copied();
        expected.filter(|id| !listed.contains(id)).collect()
    }

    /// Takes in what is known of an order that is not open. False if TWS says
    /// nothing of it.
    fn take_completed(&self, order_id: i32, completed: &[Listed]) -> bool {
        let mut state = self.state();
        let perm_ids: HashSet<i64> = state
            .orders
            .values()
            .filter_map(|entry| entry.state.perm_id)
            .collect();
        let Some(entry) = state.orders.get_mut(&order_id) else {
            // Its end was told and it was let go of meanwhile.
            return true;
        };
        let is_it = |listed: &&Listed| match (entry.state.perm_id, listed.placed.state.perm_id) {
            (Some(known), told) => Some(known) == told,
            (None, Some(told)) if perm_ids.contains(&told) => false,
            (None, _) if listed.key.is_some() => listed.key == entry.key,
            (None, _) => entry.resembles(&listed.placed),
        };
        let listed = completed.iter().find(is_it);
        let ended_before = entry.state.status.is_final();
        if let Some(listed) = listed {
            entry.on_list(&listed.placed.state);
        }
        let refused = listed.and_then(|listed| listed.refused.clone());
        let (found, sentence) = match (&entry.state.status, refused) {
            (status, _) if status.is_final() => {
                let sentence = format!(
                    "TWS no longer lists it as open: it has ended, with {} filled.",
                    entry.state.filled
                );
                (found(status), sentence)
            }
            (_, Some(words)) => (Found::Rejected, format!("TWS refused it: {words}.")),
            _ => return false,
        };
        if !ended_before || entry.lost {
            tracing::info!("Order {order_id} ended while nobody listened. {sentence}");
            entry.lost = false;
            self.record_found(entry, found, sentence);
        }
        if found == Found::Rejected {
            state.orders.remove(&order_id);
        }
        true
    }

    /// TWS says nothing of an order, however often it is asked.
    fn give_up(&self, order_id: i32) {
        let mut state = self.state();
        let Some(mut entry) = state.orders.remove(&order_id) else {
            return;
        };
        let (found, sentence) = if entry.state.perm_id.is_some() {
            let sentence = "TWS had it and lists it nowhere any more: it ended while nobody \
                            looked, and beyond its fills it is not known how.";
            (Found::Gone, sentence)
        } else {
            let sentence = "TWS lists it neither among the open and the completed orders nor \
                            among the executions: it never arrived.";
            (Found::NeverArrived, sentence)
        };
        tracing::warn!("Order {order_id}: {sentence}");
        self.record_found(&mut entry, found, sentence.to_owned());
    }

    /// Writes what the host itself does with an order, before it does it.
    async fn note(&self, order_id: i32, text: &str) {
        tracing::warn!("Order {order_id}: {text}");
        let about = self.with(order_id, |entry| entry.about());
        let (Some(recorder), Some(about)) = (&self.recorder, about) else {
            return;
        };
        let note = Note {
            who: "host".to_owned(),
            text: text.to_owned(),
        };
        recorder.record(about, Event::Note(note));
        recorder.settled().await;
    }

    /// Writes what looking an order up has found.
    fn record_found(&self, entry: &mut Entry, found: Found, sentence: String) {
        let Some(recorder) = self.recorder.as_ref().filter(|_| entry.key.is_some()) else {
            return;
        };
        let told = found != Found::NeverArrived;
        let event = Event::Reconciled(Reconciled {
            found,
            state: told.then(|| StateRecord::from(&entry.state)),
            sentence,
        });
        recorder.record(entry.about(), event);
        entry.is_recorded();
    }

    /// The connection is back and the orders are held against it: since when it
    /// was away, if it was.
    fn back(&self) -> Option<OffsetDateTime> {
        let lost_at = self.state().lost_at.take()?;
        let length = OffsetDateTime::now_utc() - lost_at;
        if let Some(recorder) = &self.recorder {
            let gap = Gap {
                what: GapKind::Back,
                lost_at,
                length_ns: u64::try_from(length.whole_nanoseconds()).ok(),
                reason: "Connected again, and the orders are held against TWS.".to_owned(),
            };
            recorder.record(About::default(), Event::Gap(gap));
        }
        Some(lost_at)
    }
}

/// What was found of an order with this status.
fn found(status: &OrderStatus) -> Found {
    match status {
        OrderStatus::Filled => Found::Filled,
        OrderStatus::Cancelled | OrderStatus::ApiCancelled => Found::Cancelled,
        _ => Found::Working,
    }
}
