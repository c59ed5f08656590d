//! Orders: what is said about them, in what order, and what they do to the books.

mod books;
mod groups;
mod life;
mod reading;
mod refusals;
mod types;

use ibapi::orders::order_builder;
use ibapi::orders::{Action, Order, Orders};

use crate::support::{PATIENCE, Trader};

fn market(action: Action, quantity: f64) -> Order {
    order_builder::market_order(action, quantity)
}

fn limit(action: Action, quantity: f64, price: f64) -> Order {
    order_builder::limit_order(action, quantity, price)
}

/// The client's open orders. What answers the request is heard as updates too, and is taken
/// from them here.
async fn open_orders(trader: &mut Trader) -> Vec<(i32, String)> {
    let mut found = trader.client.open_orders().await.unwrap();
    let found = found.collect_to_end_within(PATIENCE).await.unwrap();
    trader.hears(found.len()).await;
    found
        .into_iter()
        .filter_map(|order| match order {
            Orders::OrderData(data) => Some((data.order_id, data.order_state.status.to_string())),
            Orders::OrderStatus(_) => None,
        })
        .collect()
}
