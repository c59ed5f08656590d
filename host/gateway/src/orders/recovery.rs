//! What the journal knows of the orders from before a start.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::book::Book;
use super::entry::Entry;
use super::recording::Recorder;
use crate::journal::{
    About, Event, Found, Journal, NotSent, OrderKey, ReadError, Reader, Reconciled, RequestKind,
    RequestOutcome, Seen, Stage, Standing, StateRecord,
};
use crate::model::{Action, Order, OrderState, OrderStatus, OrderType, PlacedOrder};

/// What is said of a request that the last host had not sent when it stopped.
const STOPPED: &str = "The host stopped before it was sent. TWS never had it.";

/// Says in the journal of every request that an earlier host had not sent when
/// it stopped that it never was. It reads the journal: call it where blocking
/// is allowed, before anything is asked of the gateway.
pub(crate) fn conclude_never_sent(journal: &Journal, gateway: &str) {
    let never_sent = match journal.reader().and_then(|reader| reader.never_sent()) {
        Ok(never_sent) => never_sent,
        Err(error) => {
            tracing::error!("What was asked before the start is not known: {error}");
            return;
        }
    };
    for told in never_sent {
        let of_this_host = told.request.id.0 > journal.opened_at();
        let standing = told.standing.as_ref();
        let at = standing.and_then(|standing| standing.about.gateway.as_deref());
        if of_this_host || at.is_some_and(|at| at != gateway) {
            continue;
        }
        let about = About {
            request: Some(told.request.id),
            ..match told.standing {
                Some(standing) => standing.about,
                None => About::gateway(gateway),
            }
        };
        let event = Event::NotSent(NotSent {
            of: told.request.kind,
            sentence: STOPPED.to_owned(),
        });
        // Whatever is asked later comes behind it.
        journal
            .append(OffsetDateTime::now_utc(), about, event)
            .detach();
    }
}

/// What names an order in TWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) client_id: i32,
    pub(super) order_id: i32,
    pub(super) perm_id: Option<i64>,
    pub(super) key: Option<OrderKey>,
}

impl Ids {
    /// Those of an order that TWS tells of.
    pub(super) fn of(state: &OrderState, key: Option<OrderKey>) -> Self {
        Self {
            client_id: state.client_id,
            order_id: state.order_id,
            perm_id: state.perm_id,
            key,
        }
    }

    /// Whether they can be those of an order in the journal. A reference that
    /// looks like a name may be somebody's own.
    fn fit(&self, known: &About) -> bool {
        let order_id = known.order_id.filter(|_| self.order_id > 0);
        known.client_id.is_none_or(|id| id == self.client_id)
            && order_id.is_none_or(|id| id == self.order_id)
            && (known.perm_id.is_none() || self.perm_id.is_none() || known.perm_id == self.perm_id)
    }
}

/// The name of an order in the journal, if it has the order.
pub(super) fn find(
    reader: &Reader,
    gateway: &str,
    ids: &Ids,
) -> Result<Option<OrderKey>, ReadError> {
    if let Some(key) = &ids.key
        && let Some(known) = reader.ids_of(key)?
        && ids.fit(&known)
    {
        return Ok(Some(key.clone()));
    }
    let gateway = Some(gateway);
    if let Some(perm_id) = ids.perm_id
        && let Some(key) = reader.key_of_perm_id(gateway, perm_id)?
    {
        return Ok(Some(key));
    }
    if ids.order_id <= 0 {
        return Ok(None);
    }
    let Some(key) = reader.key_of(gateway, ids.client_id, ids.order_id)? else {
        return Ok(None);
    };
    // Order ids may be used anew after TWS was reset.
    let known = reader.ids_of(&key)?.and_then(|about| about.perm_id);
    let other = known.is_some() && ids.perm_id.is_some() && known != ids.perm_id;
    Ok((!other).then_some(key))
}

/// An order as the journal knows it. `None` if it does not know enough.
pub(super) fn placed(standing: &Standing) -> Option<PlacedOrder> {
    let about = &standing.about;
    let mut order = match &standing.order {
        Some(order) => order.to_order()?,
        None => exercised(standing)?,
    };
    super::entry::take_key(&mut order.reference);
    order.account = order.account.take().or_else(|| about.account.clone());
    let (order_id, client_id) = (about.order_id?, about.client_id?);
    let mut state = match &standing.state {
        Some(state) => state.to_state(order_id, client_id, about.perm_id),
        None => OrderState {
            order_id,
            perm_id: about.perm_id,
            client_id,
            status: OrderStatus::ApiPending,
            filled: Decimal::ZERO,
            remaining: order.quantity,
            average_fill_price: None,
            last_fill_price: None,
            why_held: None,
            warnings: Vec::new(),
        },
    };
    state.status = match standing.stage {
        Stage::Filled => OrderStatus::Filled,
        Stage::Cancelled => OrderStatus::Cancelled,
        Stage::Refused | Stage::NotSent | Stage::NeverArrived | Stage::Rejected => {
            OrderStatus::Inactive
        }
        Stage::Asked | Stage::Sent | Stage::Uncertain => OrderStatus::ApiPending,
        Stage::Working | Stage::Gone => state.status,
    };
    state.warnings.extend(how_it_ended(standing));
    Some(PlacedOrder {
        contract: standing.contract.as_ref()?.to_contract()?,
        order,
        state,
    })
}

/// What stands for the exercise of an option in the book: for the account it is
/// as if the option was sold.
fn exercised(standing: &Standing) -> Option<Order> {
    let mut requests = standing.requests.iter();
    let quantity = standing.state.as_ref();
    let quantity = quantity.map_or(Decimal::ZERO, |state| state.filled + state.remaining);
    requests
        .any(|request| request.kind == RequestKind::Exercise)
        .then(|| Order::new(Action::Sell, quantity, OrderType::Market))
}

/// What its status does not tell of how an order ended.
fn how_it_ended(standing: &Standing) -> Option<String> {
    let requests = standing.requests.iter();
    let mut making = requests.filter(|request| request.kind.makes_an_order());
    let outcome = making.next().map(|request| &request.outcome);
    match (standing.stage, outcome) {
        (Stage::Refused, Some(RequestOutcome::Refused { sentence, .. }))
        | (Stage::NotSent, Some(RequestOutcome::NotSent { sentence })) => Some(sentence.clone()),
        (Stage::Rejected, Some(RequestOutcome::Rejected { code, text })) => {
            Some(format!("TWS refused it (code {code}): {text}"))
        }
        (Stage::Rejected, _) => Some("TWS refused it.".to_owned()),
        (Stage::NeverArrived, _) => Some("It was sent, and never arrived at TWS.".to_owned()),
        (Stage::Gone, _) => Some(
            "TWS had it and lists it nowhere any more: it ended while nobody looked, and beyond \
             its fills it is not known how."
                .to_owned(),
        ),
        _ => None,
    }
}

impl Book {
    /// An order of this client that ended, as the journal knows it. What goes
    /// wrong is in the log.
    pub(super) async fn remembered(&self, order_id: i32) -> Option<PlacedOrder> {
        let recorder = self.recorder.as_ref()?;
        let (gateway, client_id) = (recorder.gateway.clone(), self.state().client_id);
        let question =
            move |reader: &Reader| match reader.key_of(Some(&gateway), client_id, order_id)? {
                Some(key) => reader.order(&key),
                None => Ok(None),
            };
        match recorder.journal.read(question).await {
            Ok(standing) => standing
                .filter(|standing| standing.stage.is_end())
                .and_then(|standing| placed(&standing)),
            Err(error) => {
                tracing::error!("Order {order_id} cannot be read from the order journal: {error}");
                None
            }
        }
    }

    /// Takes in, once, the orders of this client that have not ended as far as
    /// the journal knows. They are uncertain until TWS tells of them. Orders of
    /// other accounts than those of the connection are of another TWS.
    pub(super) async fn recover(&self, accounts: &[String]) -> Result<(), ReadError> {
        let Some(recorder) = &self.recorder else {
            return Ok(());
        };
        let (client_id, recovered) = {
            let state = self.state();
            (state.client_id, state.recovered)
        };
        if recovered {
            return Ok(());
        }
        let gateway = recorder.gateway.clone();
        let question = move |reader: &Reader| {
            let unfinished = reader.unfinished_of(Some(&gateway), client_id)?;
            let highest = reader.highest_order_id(Some(&gateway), client_id)?;
            Ok((unfinished, highest))
        };
        let (unfinished, highest) = recorder.journal.read(question).await?;
        let mut state = self.state();
        if let Some(highest) = highest {
            state.see(highest);
        }
        for standing in unfinished {
            let account = standing.about.account.as_ref();
            if account.is_some_and(|account| !accounts.contains(account)) {
                continue;
            }
            let (Some(placed), Some(key)) = (placed(&standing), standing.about.order.clone())
            else {
                continue;
            };
            let heard = standing.stage == Stage::Working && standing.open_requests().count() == 0;
            let id = placed.state.order_id;
            // TWS may have told of it while the connection was opened.
            if let Some(entry) = state.orders.get_mut(&id) {
                entry.key.get_or_insert(key);
                entry.lost |= !heard;
            } else {
                let entry = Entry::recalled(placed, key, heard);
                state.orders.insert(id, entry);
            }
        }
        state.recovered = true;
        drop(state);
        self.changed();
        Ok(())
    }

    /// Gives names to the orders and executions that TWS told of and that have
    /// none here: their own, if the journal has them, or new ones.
    pub(super) async fn introduce(&self) {
        // Who finds nothing to do has it done when this returns.
        let _turn = self.introducing.lock().await;
        let strangers = self.state().take_strangers();
        let Some(recorder) = &self.recorder else {
            return;
        };
        if strangers.is_empty() {
            return;
        }
        let gateway = recorder.gateway.clone();
        let kept = strangers.clone();
        let question = move |reader: &Reader| {
            let mut found = Vec::new();
            for ids in strangers {
                let key = find(reader, &gateway, &ids)?;
                let standing = match &key {
                    Some(key) => reader.order(key)?,
                    None => None,
                };
                found.push((ids, standing));
            }
            Ok(found)
        };
        match recorder.journal.read(question).await {
            Ok(found) => {
                for (ids, standing) in found {
                    self.introduce_one(recorder, &ids, standing.as_ref());
                }
            }
            Err(error) => {
                tracing::error!("Whose orders TWS tells of is not known yet: {error}");
                let mut state = self.state();
                kept.into_iter().for_each(|ids| state.ask_name(ids));
            }
        }
    }

    fn introduce_one(&self, recorder: &Recorder, ids: &Ids, standing: Option<&Standing>) {
        let known = standing.and_then(|standing| standing.about.order.clone());
        let mut key = known.unwrap_or_else(OrderKey::random);
        let mut state = self.state();
        let entry = state.order_by(ids.order_id, ids.perm_id);
        let mut about = About {
            order: None,
            request: None,
            gateway: None,
            account: None,
            client_id: Some(ids.client_id),
            order_id: (ids.order_id > 0).then_some(ids.order_id),
            perm_id: ids.perm_id,
        };
        if let Some(entry) = entry {
            if let Some(known) = &entry.key {
                key = known.clone();
            } else {
                entry.key = Some(key.clone());
                let event = acquaint(entry, standing);
                recorder.record(entry.about(), event);
                entry.is_recorded();
            }
            about = entry.about();
        }
        about.order = Some(key);
        let told: Vec<_> = state
            .executions
            .values_mut()
            .filter(|told| told.about.is_none() && told.is_of(ids))
            .map(|told| {
                told.about = Some(About {
                    account: Some(told.execution.account.clone()),
                    ..about.clone()
                });
                told.clone()
            })
            .collect();
        for told in told {
            self.record_execution(&state, &told);
        }
    }
}

/// What the journal writes of an order that TWS told of and that was not in the
/// book.
fn acquaint(entry: &Entry, standing: Option<&Standing>) -> Event {
    let state = StateRecord::from(&entry.state);
    match standing {
        None => Event::Seen(Seen {
            contract: (&entry.contract).into(),
            order: (&entry.order).into(),
            state,
        }),
        // Only a look-up brings an order back that was thought to have ended.
        Some(standing) if standing.stage.is_end() && entry.is_alive() && !state.is_final() => {
            let id = entry.state.order_id;
            tracing::error!("Order {id} was thought to have ended, and TWS tells that it works");
            Event::Reconciled(Reconciled {
                found: Found::Working,
                state: Some(state),
                sentence: "TWS tells of it, although it was thought to have ended.".to_owned(),
            })
        }
        Some(_) => Event::Status(state),
    }
}
