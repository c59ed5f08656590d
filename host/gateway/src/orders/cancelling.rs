//! Cancelling orders. A cancel makes a risk smaller, so it goes out even if the
//! journal cannot be written; the log says so then.

use std::sync::Arc;

use futures::StreamExt;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::asking::{Ask, log, uncertain};
use super::reconcile::look_soon;
use super::rows::{Failed, Rows, Sent};
use super::trade::Trade;
use super::trading::known;
use crate::codes::{self, OrderMessage};
use crate::connection::Gateway;
use crate::gate::{Connection, Proposal, Request, Situation, judge};
use crate::journal::{About, Asked, Begun, Event, RequestKind, Sending};
use crate::model::{Caller, Error, OrderState, OrderStatus, PlacedOrder, Result};
use crate::session::Session;

/// How many cancels wait for TWS's word at a time.
const AT_ONCE: usize = 16;

/// Cancels an order, and waits for TWS to say what became of it.
pub(super) async fn cancel(gateway: Gateway, ask: Ask, id: i32) -> Result<OrderState> {
    let session = gateway.session()?;
    let now = known(&session, id).await?.state;
    if now.status.is_final() {
        return Ok(now);
    }
    let trade = Arc::clone(gateway.trade());
    let rows = begin(&trade, &session, &ask, id).await;
    if let Err(error) = may_cancel(&gateway, &trade, &ask.caller, id) {
        rows.refuse(&trade, "connection", &error.to_string()).await;
        return Err(error);
    }
    trade
        .note(rows.entries(&Event::Sending(Sending::cancel())))
        .await;
    log(&ask.caller, "cancels", id, "");
    let sent = send(&session, id).await;
    trade.note(rows.entries(&rows.outcome(&sent))).await;
    if let Err(Failed::Told(Error::NotFound(_) | Error::Uncertain(_))) = &sent {
        look_soon(&session, id);
    }
    ask.finish(id, &sent);
    sent.map_err(Failed::into_error)
}

/// Cancels every open order of this client that `may` lets through. Answers
/// what became of each, by its id.
pub(super) async fn cancel_all(
    gateway: Gateway,
    ask: Ask,
    may: impl Fn(&PlacedOrder) -> bool + Send + 'static,
) -> Result<Vec<(i32, Result<OrderState>)>> {
    let client_id = gateway.session()?.address.client_id;
    let open = gateway.open_orders().await?;
    let ids: Vec<_> = open
        .iter()
        .filter(|placed| placed.state.client_id == client_id && may(placed))
        .map(|placed| placed.state.order_id)
        .filter(|id| *id > 0)
        .collect();
    let cancels = ids.into_iter().map(|id| {
        let (gateway, ask) = (gateway.clone(), ask.clone());
        async move { (id, cancel(gateway, ask, id).await) }
    });
    Ok(futures::stream::iter(cancels)
        .buffered(AT_ONCE)
        .collect()
        .await)
}

/// Writes that the cancel was asked, as far as that is possible.
async fn begin(trade: &Trade, session: &Session, ask: &Ask, id: i32) -> Rows {
    let mut about = About::gateway(trade.gateway());
    about.client_id = Some(session.address.client_id);
    about.order_id = Some(id);
    let mut rows = Rows {
        of: RequestKind::Cancel,
        about: Vec::new(),
    };
    let Some(journal) = trade.journal() else {
        tracing::error!(order_id = id, "A cancel goes out without an order journal");
        return rows;
    };
    let asked = Asked::cancel(&ask.caller, id);
    match journal.begin(OffsetDateTime::now_utc(), about, asked).await {
        Ok(Begun::New { about }) => rows.about.push(about),
        // It has no idempotency key, so nobody can have asked it before.
        Ok(Begun::Repeated(_) | Begun::Conflict(_)) => {}
        Err(error) => {
            tracing::error!(order_id = id, "A cancel goes out all the same: {error}");
        }
    }
    rows
}

/// Whether the connection lets cancels through: no rule stops them.
fn may_cancel(gateway: &Gateway, trade: &Trade, caller: &Caller, order_id: i32) -> Result<()> {
    let status = gateway.status();
    let mut situation = Situation::at(OffsetDateTime::now_utc());
    situation.connection = Connection {
        connected: status.connected,
        read_only: status.read_only,
        accounts: status.accounts,
        client_id: status.client_id,
    };
    let proposal = Proposal {
        caller: caller.clone(),
        gateway: gateway.name().to_owned(),
        account: String::new(),
        request: Request::Cancel { order_id },
    };
    let verdict = judge(&trade.config(), &proposal, &situation);
    match verdict.sentence {
        Some(sentence) if !verdict.allowed => Err(Error::NoPermission(sentence)),
        _ => Ok(()),
    }
}

/// Sends the cancel, and waits for TWS's word.
async fn send(session: &Session, id: i32) -> Sent {
    session.book.with(id, |entry| entry.listen());
    let what = format!("the cancel of order {id}");
    session.pacing.order().await;
    // The answers come by the stream of order updates; this one is not needed.
    drop(session.client.cancel_order(id, "").await.map_err(|error| {
        // The socket may have taken the message before it failed.
        if matches!(error, ibapi::Error::Io(_)) {
            return Failed::Told(uncertain(id, "its cancel"));
        }
        Failed::Never(codes::client_error(&error, &what))
    })?);
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
    outcome.map_err(Failed::Told)
}
