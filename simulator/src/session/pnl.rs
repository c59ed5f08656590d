//! Profit and loss, of an account and of one position.

use super::Client;
use crate::books::ledger::Ledger;
use crate::exchange::Exchange;
use crate::exchange::search::Refusal;
use crate::number;
use crate::wire::proto;

/// A subscription to an account's profit and loss.
#[derive(Debug)]
pub(crate) struct PnLSubscription {
    pub(crate) account: String,
    shown: Option<proto::PnL>,
}

/// A subscription to one position's profit and loss.
#[derive(Debug)]
pub(crate) struct PnLSingleSubscription {
    pub(crate) account: String,
    pub(crate) con_id: i32,
    shown: Option<proto::PnLSingle>,
}

/// Profit and loss (92).
pub(super) fn request(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::PnLRequest,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    let account = known(exchange, request.account.as_deref())?;
    if client.subscriptions.pnl.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    client.subscriptions.pnl.insert(
        id,
        PnLSubscription {
            account,
            shown: None,
        },
    );
    publish(client, exchange);
    Ok(())
}

/// Profit and loss of one position (94).
pub(super) fn request_single(
    client: &mut Client,
    exchange: &Exchange,
    request: &proto::PnLSingleRequest,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    let account = known(exchange, request.account.as_deref())?;
    let con_id = request.con_id.unwrap_or_default();
    if exchange.market.instrument(con_id).is_none() {
        return Err(Refusal::validation(format!("Invalid contract id {con_id}")));
    }
    if client.subscriptions.pnl_single.contains_key(&id) {
        return Err(Refusal::processing("Duplicate ticker id"));
    }
    client.subscriptions.pnl_single.insert(
        id,
        PnLSingleSubscription {
            account,
            con_id,
            shown: None,
        },
    );
    publish(client, exchange);
    Ok(())
}

fn known(exchange: &Exchange, account: Option<&str>) -> Result<String, Refusal> {
    exchange
        .ledger(account.unwrap_or_default())
        .map(|ledger| ledger.account.clone())
        .ok_or_else(|| Refusal::validation("Invalid account code"))
}

/// Sends what changed in every subscription.
pub(super) fn publish(client: &mut Client, exchange: &Exchange) {
    let mut changes = Vec::new();
    for (&id, subscription) in &mut client.subscriptions.pnl {
        let Some(ledger) = exchange.ledger(&subscription.account) else {
            continue;
        };
        let pnl = proto::PnL {
            req_id: Some(id),
            daily_pnl: Some(number::to_double(ledger.daily(&exchange.market))),
            unrealized_pnl: Some(number::to_double(ledger.unrealized(&exchange.market))),
            realized_pnl: Some(number::to_double(ledger.realized())),
        };
        if subscription.shown.replace(pnl) != Some(pnl) {
            changes.push(pnl);
        }
    }
    let mut singles = Vec::new();
    for (&id, subscription) in &mut client.subscriptions.pnl_single {
        let Some(ledger) = exchange.ledger(&subscription.account) else {
            continue;
        };
        let Some(pnl) = single(exchange, ledger, id, subscription.con_id) else {
            continue;
        };
        if subscription.shown.as_ref() != Some(&pnl) {
            subscription.shown = Some(pnl.clone());
            singles.push(pnl);
        }
    }
    for change in changes {
        client.send(change);
    }
    for change in singles {
        client.send(change);
    }
}

fn single(exchange: &Exchange, ledger: &Ledger, id: i32, con_id: i32) -> Option<proto::PnLSingle> {
    let instrument = exchange.market.instrument(con_id)?;
    let mark = exchange.market.mark(con_id);
    let position = ledger.positions.get(&con_id).cloned().unwrap_or_default();
    let unrealized = position.unrealized(instrument, mark);
    let daily = position.realized + unrealized - position.start_unrealized;
    Some(proto::PnLSingle {
        req_id: Some(id),
        position: Some(number::to_text(position.quantity)),
        daily_pnl: Some(number::to_double(daily)),
        unrealized_pnl: Some(number::to_double(unrealized)),
        // TWS marks "nothing was realized" with the largest double.
        realized_pnl: Some(if position.closed_some {
            number::to_double(position.realized)
        } else {
            number::UNSET
        }),
        value: Some(number::to_double(position.market_value(instrument, mark))),
    })
}
