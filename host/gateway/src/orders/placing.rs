//! Sending a new or a changed order, and waiting for TWS's word on it.

use std::sync::Arc;

use tokio::time::Instant;

use super::trading::{finish, known, log, uncertain, words};
use crate::codes;
use crate::convert;
use crate::model::{Caller, Contract, Error, Order, OrderState, Result};
use crate::session::Session;

/// Sends a new order.
pub(super) async fn place(
    session: Arc<Session>,
    caller: Caller,
    contract: Contract,
    order: Order,
) -> Result<OrderState> {
    if let Some(parent) = order.parent_id {
        known(&session, parent).await.map_err(|error| match error {
            Error::NotFound(_) => Error::no_parent(parent),
            other => other,
        })?;
    }
    let id = {
        // TWS takes ids only in rising order: one order at a time.
        let _turn = session.turns.sending.lock().await;
        let id = session.book.take_id(session.client.next_order_id());
        log(&caller, "places", id, &words(&contract, &order));
        session.book.begin(id, &contract, &order);
        send(&session, id, &contract, &order, true).await?;
        id
    };
    let outcome = conclude(&session, id, &order, &words(&contract, &order)).await;
    if let Err(Error::Rejected(_)) = outcome {
        session.book.forget(id);
    }
    finish(&caller, id, outcome)
}

/// Sends an order again, changed.
pub(super) async fn modify(
    session: Arc<Session>,
    caller: Caller,
    id: i32,
    contract: Contract,
    order: Order,
) -> Result<OrderState> {
    let now = known(&session, id).await?.state;
    if now.status.is_final() {
        return Err(Error::NotFound(format!(
            "Order {id} has ended: it is {:?}. Place a new order instead.",
            now.status
        )));
    }
    log(&caller, "changes", id, &words(&contract, &order));
    session
        .book
        .with(id, |entry| entry.change(contract.clone(), order.clone()));
    send(&session, id, &contract, &order, false).await?;
    let outcome = conclude(&session, id, &order, &words(&contract, &order)).await;
    if let Err(Error::Rejected(_)) = outcome {
        session.book.with(id, |entry| entry.change_back());
    }
    finish(&caller, id, outcome)
}

/// Waits for TWS's word on an order that was sent.
async fn conclude(session: &Session, id: i32, order: &Order, words: &str) -> Result<OrderState> {
    let settle = session.config.order_settle;
    if order.transmit {
        let deadline = Instant::now() + session.config.order_timeout;
        let heard = first_word(session, id, deadline).await;
        if !heard {
            return Err(uncertain(id, words));
        }
    }
    let staged = !order.transmit;
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
async fn send(
    session: &Session,
    id: i32,
    contract: &Contract,
    order: &Order,
    new: bool,
) -> Result<()> {
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
fn not_sent(session: &Session, error: &ibapi::Error, id: i32, words: &str, new: bool) -> Error {
    // The socket may have taken the message before it failed.
    if matches!(error, ibapi::Error::Io(_)) {
        return uncertain(id, words);
    }
    if new {
        session.book.forget(id);
    } else {
        session.book.with(id, |entry| entry.change_back());
    }
    codes::client_error(error, &format!("the answer to the order {words}"))
}
