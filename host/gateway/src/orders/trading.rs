//! Placing, changing and cancelling orders. Each runs in a task of its own,
//! so that a caller that goes away never leaves an order half done.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{cancelling, placing, what_if};
use crate::account::one_account;
use crate::codes;
use crate::connection::Gateway;
use crate::convert::{contract::describe, order::order_type_code};
use crate::model::{
    Action, Caller, Contract, Error, Order, OrderImpact, OrderState, PlacedOrder, Result,
    SecurityType, UncertainOrder,
};
use crate::session::Session;
use crate::validate;

impl Gateway {
    /// The next free order id (TWS `reqIds`). Asking does not reserve it.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    pub async fn next_valid_id(&self, caller: &Caller) -> Result<i32> {
        let session = self.session()?;
        tracing::debug!(
            tool = caller.tool,
            call = caller.call_id,
            "asks for an order id"
        );
        let what = "the next order id";
        let work = {
            let session = session.clone();
            async move {
                let _turn = session.turns.order_ids.lock().await;
                let answer = session.client.next_valid_order_id().await;
                let id = answer.map_err(|error| codes::client_error(&error, what))?;
                Ok(id.max(session.book.next_id()))
            }
        };
        session
            .run(what, session.config.request_timeout, work)
            .await
    }

    /// The order of this client that has this id: one that it placed over this
    /// connection, also when it has ended, or one that is open in TWS. What an
    /// order trades and for which account is TWS's word, except as long as TWS
    /// has said nothing of it.
    ///
    /// # Errors
    /// `NotFound` if there is no such order of this client; `NotConnected`,
    /// `TimedOut`.
    pub async fn order(&self, order_id: i32) -> Result<PlacedOrder> {
        known(&self.session()?, order_id).await
    }

    /// Places an order, and waits until TWS has acknowledged or refused it
    /// (TWS `placeOrder`). A contract that is not qualified is qualified
    /// first. TWS says nothing of an order that it shall not transmit: that
    /// one is `Staged` unless TWS refuses it within a moment.
    ///
    /// # Errors
    /// `InvalidRequest` for what cannot be right; `Rejected` with TWS's words;
    /// `Uncertain` once it was sent and TWS stays silent.
    pub async fn place(
        &self,
        caller: &Caller,
        contract: &Contract,
        order: &Order,
    ) -> Result<OrderState> {
        let (session, contract) = self.prepare(contract, order).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = placing::place(Arc::clone(&session), caller, contract, order);
        own_task(&session, work).await
    }

    /// Replaces a working or staged order of this client by another with the
    /// same id (TWS `placeOrder`). With `transmit` on, a staged order is
    /// transmitted.
    ///
    /// # Errors
    /// `NotFound` if there is no such order of this client, or it has ended;
    /// else as for [`place`](Self::place).
    pub async fn modify(
        &self,
        caller: &Caller,
        order_id: i32,
        contract: &Contract,
        order: &Order,
    ) -> Result<OrderState> {
        let (session, contract) = self.prepare(contract, order).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = placing::modify(Arc::clone(&session), caller, order_id, contract, order);
        own_task(&session, work).await
    }

    /// Cancels an order of this client, and waits for TWS to say what became
    /// of it: a fill can be faster (TWS `cancelOrder`). Of an order that has
    /// ended already, it answers how.
    ///
    /// # Errors
    /// `NotFound` if there is no such order of this client; `Rejected` if TWS
    /// will not cancel it; `Uncertain` if TWS stays silent.
    pub async fn cancel(&self, caller: &Caller, order_id: i32) -> Result<OrderState> {
        let session = self.session()?;
        let work = cancelling::cancel(Arc::clone(&session), caller.clone(), order_id);
        own_task(&session, work).await
    }

    /// Asks TWS what an order would do to the account, without placing it (TWS
    /// `placeOrder` with `whatIf`).
    ///
    /// # Errors
    /// As for [`place`](Self::place), but for `Uncertain`.
    pub async fn what_if(
        &self,
        caller: &Caller,
        contract: &Contract,
        order: &Order,
    ) -> Result<OrderImpact> {
        let (session, contract) = self.prepare(contract, order).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = what_if::what_if(Arc::clone(&session), caller, contract, order);
        own_task(&session, work).await
    }

    /// Everything that can be known to be wrong with an order before TWS hears
    /// of it. Answers where it would go, and its contract as TWS needs it.
    async fn prepare(
        &self,
        contract: &Contract,
        order: &Order,
    ) -> Result<(Arc<Session>, Contract)> {
        validate::order(contract, order, OffsetDateTime::now_utc())?;
        let session = self.session()?;
        check_account(&session, order)?;
        let contract = self.complete(contract).await?;
        // Now that it is known what the contract is.
        validate::order(&contract, order, OffsetDateTime::now_utc())?;
        Ok((session, contract))
    }

    /// The contract as TWS needs it: with its number and where it is routed. A
    /// combo stays as it is, once its legs are known.
    pub(crate) async fn complete(&self, contract: &Contract) -> Result<Contract> {
        let typed = match &contract.security_type {
            SecurityType::Combo => false,
            SecurityType::Other(code) => !code.is_empty(),
            _ => true,
        };
        if typed && contract.con_id.is_some() && contract.exchange.is_some() {
            return Ok(contract.clone());
        }
        self.qualify(contract).await
    }
}

/// Runs to its end whatever the caller does.
async fn own_task<T: Send + 'static>(
    session: &Session,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    session.tasks.spawn(work).await.unwrap_or_else(|_| {
        Err(Error::Uncertain(UncertainOrder {
            order_id: None,
            message: "The host failed while it worked on the order. Look at ibkr_get_open_orders \
                      and ibkr_get_executions before doing anything else."
                .to_owned(),
        }))
    })
}

/// An order needs an account where there are several.
fn check_account(session: &Arc<Session>, order: &Order) -> Result<()> {
    one_account(session, order.account.as_deref()).map(|_| ())
}

/// An order of this client: from the book, or else from TWS.
pub(super) async fn known(session: &Arc<Session>, id: i32) -> Result<PlacedOrder> {
    if id <= 0 {
        return Err(Error::no_order(id));
    }
    if let Some(placed) = session.book.get(id) {
        return Ok(placed);
    }
    if let Some(placed) = session.book.remembered(id).await {
        return Ok(placed);
    }
    let work = {
        let session = Arc::clone(session);
        async move { session.read_open_orders().await }
    };
    let open = session
        .run("the open orders", session.config.request_timeout, work)
        .await?;
    if let Some(placed) = session.book.get(id) {
        return Ok(placed);
    }
    match open.iter().find(|placed| placed.state.order_id == id) {
        Some(foreign) => Err(Error::NotFound(format!(
            "Order {id} belongs to API client {}, and this one is client {}. Connect with that \
             clientId to change or cancel it.",
            foreign.state.client_id, session.address.client_id
        ))),
        None => Err(Error::no_order(id)),
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

/// Says in the log how it ended.
pub(super) fn finish(
    caller: &Caller,
    order_id: i32,
    outcome: Result<OrderState>,
) -> Result<OrderState> {
    let (tool, call) = (&caller.tool, &caller.call_id);
    match &outcome {
        Ok(state) => tracing::info!(
            tool,
            call,
            order_id,
            "order {order_id} is {:?}",
            state.status
        ),
        Err(error) => tracing::warn!(tool, call, order_id, "order {order_id}: {error}"),
    }
    outcome
}
