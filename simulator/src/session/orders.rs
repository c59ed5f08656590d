//! Orders, executions and completed orders.

use time::OffsetDateTime;

use super::Client;
use crate::clock;
use crate::exchange::Exchange;
use crate::exchange::order::{Execution, Order};
use crate::exchange::search::Refusal;
use crate::wire::proto;

/// Open orders: each with its status, then the end. `of` picks one client's.
pub(super) fn open_orders(client: &Client, exchange: &Exchange, of: Option<i32>) {
    send_open_orders(
        client,
        exchange
            .open_orders()
            .filter(|order| of.is_none_or(|id| order.client_id == id)),
    );
    client.send(proto::OpenOrdersEnd {});
}

fn send_open_orders<'a>(client: &Client, orders: impl Iterator<Item = &'a Order>) {
    for order in orders {
        client.send(order.open_order());
        client.send(order.order_status());
    }
}

/// What TWS sends a client that comes back: its own open orders. Nothing when there are none.
pub(super) fn resume(client: &Client, exchange: &Exchange, client_id: i32) {
    if exchange
        .open_orders()
        .any(|order| order.client_id == client_id)
    {
        open_orders(client, exchange, Some(client_id));
    }
}

/// Completed orders (99).
pub(super) fn completed(client: &Client, exchange: &Exchange) {
    for order in exchange.completed_orders() {
        client.send(order.completed_order());
    }
    client.send(proto::CompletedOrdersEnd {});
}

/// Executions (7): each with its commission, then the end.
pub(super) fn executions(
    client: &Client,
    exchange: &Exchange,
    request: &proto::ExecutionRequest,
) -> Result<(), Refusal> {
    let id = request.req_id.unwrap_or_default();
    let filter = request.execution_filter.clone().unwrap_or_default();
    let since = match filter.time.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(clock::parse(text).ok_or_else(|| {
            Refusal::validation("Invalid time in the execution filter: expected YYYYMMDD HH:MM:SS")
        })?),
    };
    for execution in exchange
        .executions()
        .iter()
        .filter(|execution| passes(execution, &filter, since))
    {
        client.send(execution.details(id));
        if execution.is_booked() {
            client.send(execution.commission_report());
        }
    }
    client.send(proto::ExecutionDetailsEnd { req_id: Some(id) });
    Ok(())
}

fn passes(
    execution: &Execution,
    filter: &proto::ExecutionFilter,
    since: Option<OffsetDateTime>,
) -> bool {
    let same = |wanted: &Option<String>, value: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| wanted.is_empty() || wanted == value)
    };
    let instrument = &execution.instrument;
    // A filter names the sides BUY and SELL, an execution BOT and SLD.
    let side = match filter.side.as_deref().unwrap_or_default() {
        "" => true,
        "BUY" | "BOT" => execution.side() == "BOT",
        "SELL" | "SLD" => execution.side() == "SLD",
        _ => false,
    };
    side && filter.client_id.is_none_or(|wanted| wanted == 0 || wanted == execution.client_id)
        && same(&filter.acct_code, &execution.account)
        && same(&filter.symbol, &instrument.symbol)
        && same(&filter.sec_type, &instrument.sec_type.to_string())
        && (same(&filter.exchange, execution.exchange()) || same(&filter.exchange, instrument.exchange))
        // The filter's time has whole seconds.
        && since.is_none_or(|since| execution.time >= since)
}
