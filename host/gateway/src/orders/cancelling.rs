//! Cancelling an order.

use std::sync::Arc;

use tokio::time::Instant;

use super::trading::{finish, known, log, uncertain};
use crate::codes::{self, OrderMessage};
use crate::model::{Caller, Error, OrderState, OrderStatus, Result};
use crate::session::Session;

/// Cancels an order, and waits for TWS to say what became of it.
pub(super) async fn cancel(session: Arc<Session>, caller: Caller, id: i32) -> Result<OrderState> {
    let now = known(&session, id).await?.state;
    if now.status.is_final() {
        return Ok(now);
    }
    log(&caller, "cancels", id, "");
    session.book.with(id, |entry| entry.listen());
    let what = format!("the cancel of order {id}");
    session.pacing.order().await;
    // The answers come by the stream of order updates; this one is not needed.
    drop(
        session
            .client
            .cancel_order(id, "")
            .await
            .map_err(|error| codes::client_error(&error, &what))?,
    );
    let deadline = Instant::now() + session.config.order_timeout;
    let waiting = session.book.wait(id, deadline, |entry| {
        let ended = entry.state.status.is_final();
        (ended || entry.lost || entry.cancel_answer.is_some() || entry.refusal.is_some())
            .then_some(())
    });
    tokio::select! {
        () = session.closing.cancelled() => {}
        _ = waiting => {}
    }
    // A message may come a little before the status that goes with it.
    session
        .book
        .wait(id, Instant::now() + session.config.order_settle, |entry| {
            let silent = entry.cancel_answer.is_none() && entry.refusal.is_none();
            (silent || entry.state.status.is_final()).then_some(())
        })
        .await;
    let outcome = session
        .book
        .with(id, |entry| {
            let answer = entry.cancel_answer.take();
            let refusal = entry.refusal.take().map(|refusal| refusal.message);
            match answer {
                _ if entry.state.status.is_final() => Ok(entry.state.clone()),
                Some((OrderMessage::Cancelled, _)) => {
                    entry.state.status = OrderStatus::Cancelled;
                    Ok(entry.state.clone())
                }
                Some((OrderMessage::Unknown, message)) => Err(Error::NotFound(format!(
                    "{} (code {}).",
                    message.text, message.code
                ))),
                Some((_, message)) => Err(Error::Rejected(message)),
                None => match refusal {
                    Some(message) => Err(Error::Rejected(message)),
                    // A cancel that is on its way is an answer too.
                    None if entry.heard => Ok(entry.state.clone()),
                    None => Err(uncertain(id, "its cancel")),
                },
            }
        })
        .unwrap_or_else(|| Err(Error::no_order(id)));
    if let Err(Error::NotFound(_)) = outcome {
        session.book.forget(id);
    }
    finish(&caller, id, outcome)
}
