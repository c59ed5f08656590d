//! Changing an order that works or is staged.

use std::sync::Arc;

use time::OffsetDateTime;

use super::asking::{Ask, log, words};
use super::passing;
use super::placing::{conclude, reference, send};
use super::reconcile::look_soon;
use super::repeating;
use super::rows::{Begin, Failed, Rows, unwritable};
use super::trading::known;
use crate::connection::Gateway;
use crate::gate::{Change, Proposal, Request};
use crate::journal::{About, Asked, Entry, Event, RequestKind, Sending};
use crate::model::{Contract, Error, Order, OrderState, PlacedOrder, Result};

/// Sends an order again, changed.
pub(super) async fn modify(
    gateway: Gateway,
    ask: Ask,
    id: i32,
    contract: Contract,
    order: Order,
) -> Result<OrderState> {
    let trade = Arc::clone(gateway.trade());
    let _once = ask.once(&trade).await;
    let mut about = About::gateway(trade.gateway());
    about.client_id = Some(gateway.status().client_id);
    let mut asked = Asked::modify(&ask.caller, id, &contract, &order);
    asked.idempotency_key.clone_from(&ask.key);
    let mut rows = match Rows::begin(&trade, &about, vec![asked]).await? {
        Begin::New(rows) => rows,
        Begin::Repeated(told) => {
            let mut states = repeating::answer(&gateway, *told, 1).await?;
            return states.pop().ok_or_else(|| Error::no_order(id));
        }
    };
    let prepared = prepare(&gateway, &ask, id, &contract, &order).await;
    let proposal = rows.or_refused(&trade, prepared).await?;
    let token = ask.options.preview_token.as_deref();
    let passed = passing::pass(&gateway, &trade, &rows, &proposal, token).await?;
    let Request::Modify(change) = &proposal.request else {
        return Err(Error::Other(
            "The change was lost by a defect of the host.".to_owned(),
        ));
    };
    let session = Arc::clone(&passed.session);
    // While its turn was waited for, the order may have ended.
    let now = session
        .book
        .get(id)
        .unwrap_or_else(|| change.existing.clone());
    rows.or_refused(&trade, still_open(&now)).await?;
    let (contract, mut order) = (change.contract.clone(), change.order.clone());
    // The text that travels with it stays what it was.
    order.reference = order.reference.or(now.order.reference);
    order.reference = reference(
        &order,
        rows.about.first().and_then(|about| about.order.as_ref()),
    );
    if let Some(about) = rows.about.first_mut() {
        about.client_id = Some(session.address.client_id);
        about.order_id = Some(id);
        about.account = Some(proposal.account.clone());
    }
    let sending = Sending::order(RequestKind::Modify, &contract, &order);
    let entries = passing::before_sending(&rows, &passed.verdict, vec![Event::Sending(sending)]);
    trade.write(entries).await.map_err(unwritable)?;
    if let Some(error) = passing::halted_now(&trade) {
        trade
            .note(rows.entries(&rows.not_sent(&error.to_string())))
            .await;
        return Err(error);
    }
    let words = words(&contract, &order);
    log(&ask.caller, "changes", id, &words);
    session
        .book
        .with(id, |entry| entry.change(contract.clone(), order.clone()));
    let handed = send(&session, id, &contract, &order, false).await;
    drop(passed);
    let sent = match handed {
        Err(failed) => Err(failed),
        Ok(()) => conclude(&session, id, order.transmit, &words)
            .await
            .map_err(Failed::Told),
    };
    let now = OffsetDateTime::now_utc();
    match &sent {
        Ok(_) => trade.memory().gate.rejections.accepted(),
        Err(Failed::Told(Error::Rejected(_))) => {
            session.book.with(id, |entry| entry.change_back());
            trade.memory().gate.rejections.rejected(now);
        }
        Err(Failed::Told(Error::Uncertain(_))) => look_soon(&session, id),
        Err(_) => {}
    }
    let outcome = rows.outcome(&sent);
    let about = rows.about.iter().cloned();
    trade
        .note(
            about
                .map(|about| Entry::new(now, about, outcome.clone()))
                .collect(),
        )
        .await;
    ask.finish(id, &sent);
    sent.map_err(Failed::into_error)
}

/// What the gate is to judge.
pub(super) async fn prepare(
    gateway: &Gateway,
    ask: &Ask,
    id: i32,
    contract: &Contract,
    order: &Order,
) -> Result<Proposal> {
    let existing = known(&gateway.session()?, id).await?;
    still_open(&existing)?;
    let mut order = order.clone();
    // It stays on its account.
    order.account = order.account.or_else(|| existing.order.account.clone());
    let (_, contract, account) = gateway.prepare(contract, &order).await?;
    Ok(Proposal {
        caller: ask.caller.clone(),
        gateway: gateway.name().to_owned(),
        account,
        request: Request::Modify(Box::new(Change {
            existing,
            contract,
            order,
        })),
    })
}

fn still_open(now: &PlacedOrder) -> Result<()> {
    let state = &now.state;
    if state.status.is_final() {
        return Err(Error::NotFound(format!(
            "Order {} has ended: it is {:?}. Place a new order instead.",
            state.order_id, state.status
        )));
    }
    Ok(())
}
