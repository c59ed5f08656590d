//! Sending new orders, one or a group of them, and waiting for TWS's word.

use std::sync::Arc;

use futures::future::join_all;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::asking::{Ask, log, uncertain, words};
use super::group;
use super::passing::{self, Passed};
use super::reconcile::look_soon;
use super::repeating;
use super::rows::{Begin, Failed, Rows, Sent, unwritable};
use super::trade::Trade;
use super::trading::known;
use crate::codes;
use crate::connection::Gateway;
use crate::convert;
use crate::gate::{NewOrder, Proposal, Request};
use crate::journal::{About, Asked, Entry, OrderKey, RequestKind, Sending};
use crate::model::{Contract, Error, Order, OrderState, Result};
use crate::session::Session;

/// Places orders that belong together, or a single one.
pub(super) async fn place(
    gateway: Gateway,
    ask: Ask,
    orders: Vec<NewOrder>,
) -> Result<Vec<OrderState>> {
    let trade = Arc::clone(gateway.trade());
    let _once = ask.once(&trade).await;
    let about = About::gateway(trade.gateway());
    let asked = asked(&ask, trade.gateway(), &orders);
    let mut rows = match Rows::begin(&trade, &about, asked).await? {
        Begin::New(rows) => rows,
        Begin::Repeated(told) => return repeating::answer(&gateway, *told, orders.len()).await,
    };
    let prepared = prepare(&gateway, &ask, orders).await;
    let proposal = rows.or_refused(&trade, prepared).await?;
    let token = ask.options.preview_token.as_deref();
    let passed = passing::pass(&gateway, &trade, &rows, &proposal, token).await?;
    let Request::Place(orders) = &proposal.request else {
        return Err(Error::Other(
            "The order was lost by a defect of the host.".to_owned(),
        ));
    };
    let session = Arc::clone(&passed.session);
    let sent = send_all(&trade, passed, &ask, &mut rows, &proposal.account, orders).await?;
    let outcomes = conclude_all(&trade, &session, &ask, &rows, sent).await;
    group::answer(&gateway, &ask, outcomes).await
}

/// What is asked, for the journal: the first of a group says how many there
/// are, and stands for all of them where it is asked again.
fn asked(ask: &Ask, gateway: &str, orders: &[NewOrder]) -> Vec<Asked> {
    let mut asked: Vec<_> = orders
        .iter()
        .map(|new| Asked::place(&ask.caller, &new.contract, &new.order))
        .collect();
    let count = asked.len();
    if let Some(first) = asked.first_mut() {
        first.idempotency_key.clone_from(&ask.key);
        if count > 1 {
            let all = group::fingerprint(&ask.caller, gateway, orders);
            first.details.insert("orders".to_owned(), count.to_string());
            first.details.insert("group".to_owned(), all);
        }
    }
    asked
}

/// What the gate is to judge: with contracts that are known, and the account.
pub(super) async fn prepare(
    gateway: &Gateway,
    ask: &Ask,
    orders: Vec<NewOrder>,
) -> Result<Proposal> {
    let orders = group::shaped(orders)?;
    let mut ready = Vec::with_capacity(orders.len());
    let mut account = None;
    for NewOrder {
        contract,
        order,
        role,
    } in orders
    {
        let (session, contract, of) = gateway.prepare(&contract, &order).await?;
        if let Some(parent) = order.parent_id {
            known(&session, parent).await.map_err(|error| match error {
                Error::NotFound(_) => Error::no_parent(parent),
                other => other,
            })?;
        }
        if account.get_or_insert_with(|| of.clone()) != &of {
            return Err(Error::invalid(
                "The orders of a group name different accounts. Give all of them the same.",
            ));
        }
        ready.push(NewOrder {
            contract,
            order,
            role,
        });
    }
    Ok(Proposal {
        caller: ask.caller.clone(),
        gateway: gateway.name().to_owned(),
        account: account.unwrap_or_default(),
        request: Request::Place(ready),
    })
}

/// An order that was about to be handed to the socket, and how that went.
struct Handed {
    id: i32,
    contract: Contract,
    order: Order,
    failed: Option<Failed>,
}

/// Gives the orders their ids, writes all of them down, and hands them to the
/// socket one after the other.
async fn send_all(
    trade: &Trade,
    passed: Passed<'_>,
    ask: &Ask,
    rows: &mut Rows,
    account: &str,
    orders: &[NewOrder],
) -> Result<Vec<Handed>> {
    let session = Arc::clone(&passed.session);
    // TWS takes ids only in rising order: one order at a time.
    let _sending = session.turns.sending.lock().await;
    let next = session.client.next_order_id();
    let ids = session.book.take_ids(next, orders.len());
    for (about, id) in rows.about.iter_mut().zip(&ids) {
        about.client_id = Some(session.address.client_id);
        about.order_id = Some(*id);
        about.account = Some(account.to_owned());
    }
    let keys: Vec<_> = rows.about.iter().map(|about| about.order.clone()).collect();
    let ready = group::linked(orders, &ids, &keys);
    let sending = ready
        .iter()
        .map(|(contract, order)| Sending::order(RequestKind::Place, contract, order))
        .map(crate::journal::Event::Sending);
    let entries = passing::before_sending(rows, &passed.verdict, sending.collect());
    trade.write(entries).await.map_err(unwritable)?;
    if let Some(error) = passing::halted_now(trade) {
        trade
            .note(rows.entries(&rows.not_sent(&error.to_string())))
            .await;
        return Err(error);
    }
    let mut handed: Vec<Handed> = Vec::with_capacity(ready.len());
    let transmits = ready.iter().any(|(_, order)| order.transmit);
    for ((id, key), (contract, order)) in ids.into_iter().zip(keys).zip(ready) {
        let words = words(&contract, &order);
        let failed = if handed.iter().any(|before| before.failed.is_some()) {
            Some(Failed::Never(Error::NotConnected(format!(
                "The order {words} was not sent, because the one before it in its group was not."
            ))))
        } else {
            log(&ask.caller, "places", id, &words);
            session.book.begin(id, &contract, &order);
            if let Some(key) = key {
                session.book.name(id, key);
            }
            if transmits && !order.transmit {
                session.book.joins_group(id);
            }
            send(&session, id, &contract, &order, true).await.err()
        };
        handed.push(Handed {
            id,
            contract,
            order,
            failed,
        });
    }
    Ok(handed)
}

/// Waits for TWS's word on each order, and writes it down.
async fn conclude_all(
    trade: &Trade,
    session: &Arc<Session>,
    ask: &Ask,
    rows: &Rows,
    handed: Vec<Handed>,
) -> Vec<(i32, String, Sent)> {
    // The last of a bracket transmits all of it.
    let transmits = handed.iter().any(|one| one.order.transmit);
    let outcomes = join_all(handed.into_iter().map(|one| async move {
        let words = words(&one.contract, &one.order);
        let sent = match one.failed {
            Some(failed) => Err(failed),
            None => conclude(session, one.id, transmits, &words)
                .await
                .map_err(Failed::Told),
        };
        match &sent {
            Err(Failed::Told(Error::Rejected(_))) => session.book.forget(one.id),
            Err(Failed::Told(Error::Uncertain(_))) => look_soon(session, one.id),
            _ => {}
        }
        (one.id, words, sent)
    }))
    .await;
    let now = OffsetDateTime::now_utc();
    let mut entries = Vec::new();
    {
        let rejections = &mut trade.memory().gate.rejections;
        for ((id, _, sent), about) in outcomes.iter().zip(&rows.about) {
            match sent {
                Ok(_) => rejections.accepted(),
                Err(Failed::Told(Error::Rejected(_))) => rejections.rejected(now),
                Err(_) => {}
            }
            let mut about = about.clone();
            about.perm_id = sent.as_ref().ok().and_then(|state| state.perm_id);
            entries.push(Entry::new(now, about, rows.outcome(sent)));
            ask.finish(*id, sent);
        }
    }
    trade.note(entries).await;
    outcomes
}

/// The text that travels with an order: its caller's, or else the journal's name
/// of it, by which it is found again.
pub(super) fn reference(order: &Order, key: Option<&OrderKey>) -> Option<String> {
    let own = order.reference.clone();
    own.or_else(|| key.map(OrderKey::to_string))
}

/// Waits for TWS's word on an order that was sent.
pub(super) async fn conclude(
    session: &Session,
    id: i32,
    transmits: bool,
    words: &str,
) -> Result<OrderState> {
    let settle = session.config.order_settle;
    if transmits {
        let deadline = Instant::now() + session.config.order_timeout;
        let heard = first_word(session, id, deadline).await;
        // The next connection may have told of it by now.
        let told = session
            .book
            .with(id, |entry| entry.heard || entry.refusal.is_some());
        if !heard && told != Some(true) {
            return Err(uncertain(id, words));
        }
    }
    let staged = !transmits;
    session
        .book
        .wait(id, Instant::now() + settle, |entry| {
            let refused = entry.refusal.is_some() && (staged || entry.is_settled());
            (refused || (!staged && entry.is_settled())).then_some(())
        })
        .await;
    let verdict = session
        .book
        .with(id, |entry| (entry.refused(), entry.state.clone()));
    match verdict {
        Some((Some(message), _)) => Err(Error::Rejected(message)),
        Some((None, state)) => Ok(state),
        None => Err(uncertain(id, words)),
    }
}

/// Whether TWS says anything of the order before `deadline`, and before the
/// connection ends.
async fn first_word(session: &Session, id: i32, deadline: Instant) -> bool {
    let waiting = session.book.wait(id, deadline, |entry| {
        let heard = entry.heard || entry.refusal.is_some();
        (heard || entry.lost).then_some(heard)
    });
    tokio::select! {
        () = session.closing.cancelled() => false,
        heard = waiting => heard.unwrap_or(false),
    }
}

/// Hands an order to the socket: a new one, or one that is changed.
pub(super) async fn send(
    session: &Session,
    id: i32,
    contract: &Contract,
    order: &Order,
    new: bool,
) -> std::result::Result<(), Failed> {
    session.pacing.order().await;
    session
        .client
        .submit_order(
            id,
            &convert::contract::to_tws(contract),
            &convert::order::to_tws(order),
        )
        .await
        .map_err(|error| not_sent(session, &error, id, &words(contract, order), new))
}

/// What to say of an order whose sending failed, and what to make of it in
/// the book.
fn not_sent(session: &Session, error: &ibapi::Error, id: i32, words: &str, new: bool) -> Failed {
    // The socket may have taken the message before it failed.
    if matches!(error, ibapi::Error::Io(_)) {
        return Failed::Told(uncertain(id, words));
    }
    if new {
        session.book.forget(id);
    } else {
        session.book.with(id, |entry| entry.change_back());
    }
    Failed::Never(codes::client_error(
        error,
        &format!("the answer to the order {words}"),
    ))
}
