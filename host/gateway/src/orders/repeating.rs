//! Answering a request that was made before under the same idempotency key.

use crate::connection::Gateway;
use crate::journal::{About, Found, RequestKind, RequestOutcome, Standing, Told};
use crate::model::{Error, OrderState, Result, TwsMessage, UncertainOrder};

/// What became of a request of so many orders: where each stands by now.
pub(super) async fn answer(
    gateway: &Gateway,
    told: Told,
    orders: usize,
) -> Result<Vec<OrderState>> {
    let first = one(gateway, &told)?;
    let mut states = vec![first];
    // The orders of a group have ids that follow each other.
    let about = told
        .standing
        .map(|standing| standing.about)
        .unwrap_or_default();
    for number in 1..orders {
        states.push(member(gateway, &about, number).await?);
    }
    Ok(states)
}

/// What became of one request.
fn one(gateway: &Gateway, told: &Told) -> Result<OrderState> {
    let standing = told.standing.as_ref();
    let id = standing.and_then(|standing| standing.about.order_id);
    match &told.request.outcome {
        RequestOutcome::Acknowledged { .. }
        | RequestOutcome::Reconciled {
            found: Found::Working | Found::Filled | Found::Cancelled,
            ..
        } => state(gateway, standing, told),
        RequestOutcome::Rejected { code, text } => Err(Error::Rejected(TwsMessage {
            code: *code,
            text: text.clone(),
        })),
        RequestOutcome::Reconciled {
            found: Found::Gone,
            sentence,
        } => Err(Error::NotFound(format!(
            "The order was placed before under this idempotencyKey. {sentence}"
        ))),
        RequestOutcome::Reconciled { sentence, .. } => Err(Error::NotFound(format!(
            "The order was sent under this idempotencyKey, and did not come about. {sentence} Use \
             a new key to place it again."
        ))),
        RequestOutcome::Sent | RequestOutcome::Uncertain { .. } => {
            // TWS may have spoken of it since.
            match state(gateway, standing, told) {
                Ok(state) if told.request.kind == RequestKind::Place => Ok(state),
                _ => Err(Error::Uncertain(UncertainOrder {
                    order_id: id,
                    message: "It was sent before under this idempotencyKey, and TWS has not said \
                              what became of it. It was not sent again. Look for it with \
                              ibkr_get_open_orders and ibkr_get_executions."
                        .to_owned(),
                })),
            }
        }
        RequestOutcome::Asked
        | RequestOutcome::Refused { .. }
        | RequestOutcome::NotSent { .. } => Err(Error::Pacing(
            "The same was asked before under this idempotencyKey, and is not done with yet. Try \
             again in a moment."
                .to_owned(),
        )),
    }
}

/// Another order of a group.
async fn member(gateway: &Gateway, first: &About, number: usize) -> Result<OrderState> {
    let lost = || {
        Error::Uncertain(UncertainOrder {
            order_id: None,
            message: "The group was sent before under this idempotencyKey, and not all of its \
                      orders are known. It was not sent again. Look for them with \
                      ibkr_get_open_orders and ibkr_get_executions."
                .to_owned(),
        })
    };
    let number = i32::try_from(number).map_err(|_| lost())?;
    let (Some(client_id), Some(order_id)) = (first.client_id, first.order_id) else {
        return Err(lost());
    };
    let order_id = order_id.checked_add(number).ok_or_else(lost)?;
    let name = first.gateway.clone();
    let journal = gateway.trade().needed_journal()?;
    let told = journal
        .read(move |reader| {
            let Some(key) = reader.key_of(name.as_deref(), client_id, order_id)? else {
                return Ok(None);
            };
            let standing = reader.order(&key)?;
            let request = standing.as_ref().and_then(|standing| {
                let mut requests = standing.requests.iter();
                requests.find(|request| request.kind == RequestKind::Place)
            });
            request.map_or(Ok(None), |request| reader.request(request.id))
        })
        .await
        .map_err(|error| Error::Other(error.to_string()))?
        .ok_or_else(lost)?;
    one(gateway, &told)
}

/// Where the order stands now: by the book, or else by the journal.
fn state(gateway: &Gateway, standing: Option<&Standing>, told: &Told) -> Result<OrderState> {
    let unknown = || {
        Error::Other(
            "The same was done before under this idempotencyKey, but the order is not known any \
             more. Look at ibkr_get_open_orders."
                .to_owned(),
        )
    };
    let standing = standing.ok_or_else(unknown)?;
    let about = &standing.about;
    let (Some(order_id), Some(client_id)) = (about.order_id, about.client_id) else {
        return Err(unknown());
    };
    if let Ok(session) = gateway.session()
        && session.address.client_id == client_id
        && let Some(placed) = session.book.get(order_id)
        && session.book.with(order_id, |entry| entry.heard) == Some(true)
    {
        return Ok(placed.state);
    }
    let told_then = match &told.request.outcome {
        RequestOutcome::Acknowledged { state } => Some(state),
        _ => None,
    };
    let state = standing.state.as_ref().or(told_then).ok_or_else(unknown)?;
    Ok(state.to_state(order_id, client_id, about.perm_id))
}
