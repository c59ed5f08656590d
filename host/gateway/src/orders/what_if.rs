//! Asking what an order would do.

use std::sync::Arc;

use super::asking::{log, words};
use crate::codes;
use crate::convert;
use crate::model::{Caller, Contract, Error, Order, OrderImpact, Result};
use crate::session::Session;

/// Sends the order as a what-if order, and waits for its answer.
pub(super) async fn what_if(
    session: Arc<Session>,
    caller: Caller,
    contract: Contract,
    order: Order,
) -> Result<OrderImpact> {
    let what = format!("what the order {} would do", words(&contract, &order));
    let mut question = convert::order::to_tws(&order);
    question.what_if = true;
    // TWS answers nothing for a what-if order that it shall not transmit.
    question.transmit = true;
    let (id, answer) = {
        let _turn = session.turns.sending.lock().await;
        session.pacing.order().await;
        let id = session.book.take_id(session.client.next_order_id());
        log(&caller, "asks what would be", id, &words(&contract, &order));
        let answer = session.book.begin_what_if(id);
        let sent = session
            .client
            .submit_order(id, &convert::contract::to_tws(&contract), &question)
            .await;
        if let Err(error) = sent {
            session.book.end_what_if(id);
            return Err(codes::client_error(&error, &what));
        }
        (id, answer)
    };
    let outcome = tokio::select! {
        () = session.closing.cancelled() => {
            Err(codes::client_error(&ibapi::Error::Shutdown, &what))
        }
        answer = tokio::time::timeout(session.config.request_timeout, answer) => match answer {
            Err(_) => Err(codes::timed_out(&what)),
            Ok(Err(_)) => Err(codes::client_error(&ibapi::Error::ConnectionReset, &what)),
            Ok(Ok(Err(message))) => Err(Error::Rejected(message)),
            Ok(Ok(Ok(state))) => Ok(convert::order::impact(&state)),
        },
    };
    session.book.end_what_if(id);
    outcome
}
