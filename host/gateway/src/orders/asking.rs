//! Who asks for an order, and how it is spoken of.

use tokio::sync::OwnedMutexGuard;

use super::rows::{Failed, Sent};
use super::trade::Trade;
use crate::convert::{contract::describe, order::order_type_code};
use crate::journal::IdempotencyKey;
use crate::model::{Action, Caller, Contract, Error, Order, OrderOptions, Result, UncertainOrder};

/// Who asks for an order, and what came along with it.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) caller: Caller,
    pub(super) options: OrderOptions,
    pub(super) key: Option<IdempotencyKey>,
}

impl Ask {
    pub(super) fn new(caller: &Caller, options: &OrderOptions) -> Result<Self> {
        let key = options.idempotency_key.as_deref();
        let key = key.map(str::parse::<IdempotencyKey>).transpose();
        Ok(Self {
            caller: caller.clone(),
            options: options.clone(),
            key: key.map_err(|error| Error::invalid(error.to_string()))?,
        })
    }

    /// Waits until nobody else works on the same idempotency key.
    pub(super) async fn once(&self, trade: &Trade) -> Option<OwnedMutexGuard<()>> {
        match &self.key {
            Some(key) => Some(trade.once(key.as_str()).await),
            None => None,
        }
    }

    /// Says in the log how it ended.
    pub(super) fn finish(&self, order_id: i32, sent: &Sent) {
        let (tool, call) = (&self.caller.tool, &self.caller.call_id);
        match sent {
            Ok(state) => {
                let status = &state.status;
                tracing::info!(tool, call, order_id, "order {order_id} is {status:?}");
            }
            Err(Failed::Never(error) | Failed::Told(error)) => {
                tracing::warn!(tool, call, order_id, "order {order_id}: {error}");
            }
        }
    }
}

/// TWS stayed silent on what was sent.
pub(super) fn uncertain(id: i32, words: &str) -> Error {
    Error::Uncertain(UncertainOrder {
        order_id: Some(id),
        message: format!(
            "Order {id} ({words}) was sent, and TWS has not said what became of it. Do not send \
             it again: look for it with ibkr_get_open_orders and ibkr_get_executions."
        ),
    })
}

/// The order in a few words: `BUY 10 SPY LMT`.
pub(super) fn words(contract: &Contract, order: &Order) -> String {
    let action = match order.action {
        Action::Buy => "BUY",
        Action::Sell => "SELL",
        Action::SellShort => "SSHORT",
    };
    format!(
        "{action} {} {} {}",
        order.quantity,
        describe(contract),
        order_type_code(&order.order_type)
    )
}

/// Says in the log who does what.
pub(super) fn log(caller: &Caller, does: &str, order_id: i32, words: &str) {
    let Caller {
        tool,
        digest,
        client,
        call_id,
    } = caller;
    tracing::info!(
        tool,
        digest,
        client,
        call = call_id,
        order_id,
        "{does} order {order_id} {words}"
    );
}
