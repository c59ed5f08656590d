//! Reading orders from TWS.

use std::collections::HashMap;

use futures::StreamExt;
use ibapi::orders::{self as ib, Orders};
use ibapi::subscriptions::SubscriptionItem;
use rust_decimal::Decimal;
use time_tz::Tz;

use super::entry::take_key;
use crate::codes;
use crate::connection::Gateway;
use crate::convert::{self, decimal, text};
use crate::journal::OrderKey;
use crate::model::{OrderState, OrderStatus, PlacedOrder, Result};
use crate::session::Session;

impl Gateway {
    /// The orders that work or wait, of all API clients and those made by hand
    /// (TWS `reqAllOpenOrders`), with this client's staged orders.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.open_orders", skip_all, fields(gateway = self.name()))]
    pub async fn open_orders(&self) -> Result<Vec<PlacedOrder>> {
        let session = self.session()?;
        let work = {
            let session = session.clone();
            async move { session.read_open_orders().await }
        };
        session.ask("the open orders", work).await
    }

    /// Orders that ended today (TWS `reqCompletedOrders`).
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.completed_orders", skip_all, fields(gateway = self.name()))]
    pub async fn completed_orders(&self) -> Result<Vec<PlacedOrder>> {
        let session = self.session()?;
        let work = {
            let session = session.clone();
            async move { session.read_completed_orders().await }
        };
        session.ask("the completed orders", work).await
    }
}

/// An order as a list of TWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) placed: PlacedOrder,
    /// The journal's name of it, where that travelled as its reference.
    pub(super) key: Option<OrderKey>,
    /// TWS's words, if it ended because TWS refused it.
    pub(super) refused: Option<String>,
}

impl Session {
    /// Asks TWS for the open orders, and adds those of this client that TWS
    /// does not tell of: staged ones, and those of which it has not spoken yet.
    pub(super) async fn read_open_orders(&self) -> Result<Vec<PlacedOrder>> {
        let listed = self.list_open_orders().await?;
        let mut orders: Vec<_> = listed.into_iter().map(|listed| listed.placed).collect();
        let own = self.address.client_id;
        for placed in &mut orders {
            // The book knows more of its own: warnings, and what is staged.
            if placed.state.client_id == own
                && let Some(known) = self.book.get(placed.state.order_id)
            {
                placed.state.warnings = known.state.warnings;
                if known.state.status == OrderStatus::Staged {
                    placed.state.status = OrderStatus::Staged;
                }
            }
        }
        let untold = self.book.staged().into_iter().chain(self.book.unheard());
        for untold in untold {
            let listed = orders.iter().any(|placed| {
                placed.state.client_id == own && placed.state.order_id == untold.state.order_id
            });
            if !listed {
                orders.push(untold);
            }
        }
        orders.sort_by_key(|placed| (placed.state.client_id, placed.state.order_id));
        Ok(orders)
    }

    /// Asks TWS for the open orders of all clients.
    pub(super) async fn list_open_orders(&self) -> Result<Vec<Listed>> {
        let what = "the open orders";
        let rows = {
            let _turn = self.turns.open_orders.lock().await;
            let failed = |error: ibapi::Error| codes::client_error(&error, what);
            let work = async {
                let rows = self.client.all_open_orders().await.map_err(failed)?;
                collect(rows, what).await
            };
            self.unless_read_only(work).await?
        };
        let orders = merge_orders(&rows, self.book.zone());
        for listed in &orders {
            self.book.learn(&listed.placed, listed.key.as_ref());
        }
        self.book.introduce().await;
        Ok(orders)
    }

    /// Asks TWS for the orders that ended.
    async fn read_completed_orders(&self) -> Result<Vec<PlacedOrder>> {
        let listed = self.list_completed_orders().await?;
        Ok(listed.into_iter().map(|listed| listed.placed).collect())
    }

    /// The same, with what tells which orders they are.
    pub(super) async fn list_completed_orders(&self) -> Result<Vec<Listed>> {
        let what = "the completed orders";
        let _turn = self.turns.completed_orders.lock().await;
        let failed = |error: ibapi::Error| codes::client_error(&error, what);
        let work = async {
            let rows = self.client.completed_orders(false).await.map_err(failed)?;
            collect(rows, what).await
        };
        let rows = self.unless_read_only(work).await?;
        Ok(rows
            .iter()
            .filter_map(|row| match row {
                Orders::OrderData(data) => Some(completed(self, data)),
                Orders::OrderStatus(_) => None,
            })
            .collect())
    }
}

/// Every row of a list, to its end.
pub(super) async fn collect<S, T>(mut rows: S, what: &str) -> Result<Vec<T>>
where
    S: futures::Stream<Item = std::result::Result<SubscriptionItem<T>, ibapi::Error>> + Unpin,
{
    let mut all = Vec::new();
    while let Some(item) = rows.next().await {
        match item {
            Ok(SubscriptionItem::Data(row)) => all.push(row),
            Ok(SubscriptionItem::Notice(notice)) => {
                if notice.code == ibapi::SUBSCRIPTION_LAG_CODE {
                    return Err(codes::request_error(notice.code, &notice.message, what));
                }
            }
            Err(error) => return Err(codes::client_error(&error, what)),
        }
    }
    Ok(all)
}

/// What tells one order from another: orders made by hand have no order id.
fn key(client_id: i32, order_id: i32, perm_id: i64) -> (i32, i64) {
    if order_id > 0 {
        (client_id, i64::from(order_id))
    } else {
        (client_id, -perm_id)
    }
}

/// Orders and statuses, which TWS sends one after the other and in between
/// others, as one row for each order that has not ended.
fn merge_orders(rows: &[Orders], zone: Option<&Tz>) -> Vec<Listed> {
    let mut data = HashMap::new();
    let mut statuses = HashMap::new();
    for row in rows {
        match row {
            Orders::OrderData(order) => {
                let of = &order.order;
                data.insert(key(of.client_id, order.order_id, of.perm_id), order);
            }
            Orders::OrderStatus(status) => {
                let of = key(status.client_id, status.order_id, status.perm_id);
                statuses.insert(of, status);
            }
        }
    }
    data.iter()
        .map(|(key, order)| listed(order, statuses.get(key).copied(), zone))
        .filter(|listed| !listed.placed.state.status.is_final())
        .collect()
}

/// An order as TWS gave it, with its status where there is one.
pub(super) fn listed(
    data: &ib::OrderData,
    status: Option<&ib::OrderStatus>,
    zone: Option<&Tz>,
) -> Listed {
    let mut order = convert::order::from_tws(&data.order, zone);
    let key = take_key(&mut order.reference);
    let price = |price: Option<f64>| price.and_then(decimal::non_zero);
    let filled = decimal::decimal(match status {
        Some(status) => status.filled,
        None => data.order.filled_quantity,
    })
    .unwrap_or_default();
    let remaining = status
        .and_then(|status| decimal::decimal(status.remaining))
        .unwrap_or_else(|| (order.quantity - filled).max(Decimal::ZERO));
    let kind = status.map_or(&data.order_state.status, |status| &status.status);
    let state = OrderState {
        order_id: data.order_id,
        perm_id: (data.order.perm_id != 0).then_some(data.order.perm_id),
        client_id: data.order.client_id,
        status: convert::order::status(kind),
        filled,
        remaining,
        average_fill_price: price(status.and_then(|status| status.average_fill_price)),
        last_fill_price: price(status.and_then(|status| status.last_fill_price)),
        why_held: status.and_then(|status| text(&status.why_held)),
        warnings: text(&data.order_state.warning_text).into_iter().collect(),
    };
    Listed {
        placed: PlacedOrder {
            contract: convert::contract::from_tws(&data.contract),
            order,
            state,
        },
        key,
        refused: None,
    }
}

/// An order that ended. TWS gives it no order id, and as its quantity what was
/// left unfilled.
fn completed(session: &Session, data: &ib::OrderData) -> Listed {
    let mut listed = listed(data, None, session.book.zone());
    let ended = &mut listed.placed;
    if ended.state.status == OrderStatus::Filled {
        ended.order.quantity = ended.order.quantity.max(ended.state.filled);
        ended.state.remaining = Decimal::ZERO;
    } else {
        ended.state.remaining = ended.order.quantity;
        ended.order.quantity += ended.state.filled;
    }
    let known = ended
        .state
        .perm_id
        .and_then(|perm_id| session.book.order_id_of(perm_id));
    ended.state.order_id = known.unwrap_or(data.order.order_id);
    if let Some(known) = known.and_then(|id| session.book.get(id)) {
        ended.state.average_fill_price = known.state.average_fill_price;
        ended.state.last_fill_price = known.state.last_fill_price;
        ended.state.warnings = known.state.warnings;
    }
    if ended.state.status == OrderStatus::Inactive {
        let state = &data.order_state;
        listed.refused = text(&state.reject_reason).or_else(|| text(&state.completed_status));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(order_id: i32, client_id: i32, perm_id: i64) -> Orders {
        Orders::OrderData(ib::OrderData {
            order_id,
            order: ib::Order {
                client_id,
                perm_id,
                total_quantity: 10.0,
                order_type: "MKT".into(),
                ..ib::Order::default()
            },
            ..ib::OrderData::default()
        })
    }

    fn status(order_id: i32, client_id: i32, perm_id: i64, kind: ib::OrderStatusKind) -> Orders {
        Orders::OrderStatus(ib::OrderStatus {
            order_id,
            client_id,
            perm_id,
            status: kind,
            filled: 4.0,
            remaining: 6.0,
            average_fill_price: Some(0.0),
            ..ib::OrderStatus::default()
        })
    }

    #[test]
    fn orders_and_statuses_become_one_row_each() {
        use ib::OrderStatusKind::{Filled, PreSubmitted, Submitted};
        let rows = [
            data(1, 1, 11),
            data(1, 2, 12),
            status(1, 1, 11, Submitted),
            data(0, 0, 13),
            data(0, 0, 14),
            status(0, 0, 14, PreSubmitted),
            data(1, 1, 11),
            data(5, 1, 15),
            status(5, 1, 15, Filled),
        ];
        let mut orders = merge_orders(&rows, None);
        orders.sort_by_key(|listed| listed.placed.state.perm_id);
        let perm_ids: Vec<_> = orders
            .iter()
            .filter_map(|listed| listed.placed.state.perm_id)
            .collect();
        assert_eq!(perm_ids, [11, 12, 13, 14]);
        let state = orders.first().map(|listed| listed.placed.state.clone());
        assert_eq!(
            state.as_ref().map(|state| state.filled),
            Some(Decimal::from(4))
        );
        assert_eq!(state.and_then(|state| state.average_fill_price), None);
    }
}
