//! Placing, changing and cancelling orders, as callers see it. Each runs in a
//! task of its own, so that a caller that goes away never leaves an order half
//! done.

use std::sync::Arc;

use time::OffsetDateTime;

use super::asking::Ask;
use super::preview::{self, Wish};
use super::{cancelling, exercising, modifying, placing, what_if};
use crate::account::one_account;
use crate::codes;
use crate::connection::Gateway;
use crate::gate::{NewOrder, Role};
use crate::model::{
    Caller, Contract, Error, Order, OrderImpact, OrderOptions, OrderState, PlacedOrder, Preview,
    Result, SecurityType,
};
use crate::session::Session;
use crate::validate;

impl Gateway {
    /// The next free order id (TWS `reqIds`). Asking does not reserve it.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.next_valid_id", skip_all, fields(gateway = self.name()))]
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
    #[tracing::instrument(level = "debug", name = "gateway.order", skip_all, fields(gateway = self.name()))]
    pub async fn order(&self, order_id: i32) -> Result<PlacedOrder> {
        known(&self.session()?, order_id).await
    }

    /// Places an order, and waits until TWS has acknowledged or refused it
    /// (TWS `placeOrder`). A contract that is not qualified is qualified
    /// first. The order passes the gate and is in the journal before it is
    /// sent. TWS says nothing of an order that it shall not transmit: that one
    /// is `Staged` unless TWS refuses it within a moment.
    ///
    /// # Errors
    /// `InvalidRequest` for what cannot be right, and for an idempotency key
    /// that was used for another order; `NoPermission` in the words of the rule
    /// that refuses it, or where there is no journal; `ConfirmationNeeded`;
    /// `Rejected` with TWS's words; `Uncertain` once it was sent and TWS stays
    /// silent; `Other` if the journal cannot be written.
    #[tracing::instrument(level = "debug", name = "gateway.place", skip_all, fields(gateway = self.name()))]
    pub async fn place(
        &self,
        caller: &Caller,
        contract: &Contract,
        order: &Order,
        options: &OrderOptions,
    ) -> Result<OrderState> {
        let orders = vec![alone(contract, order)];
        let mut states = self.place_group(caller, orders, options).await?;
        states.pop().ok_or_else(lost)
    }

    /// Places orders that belong together, all of them or none: a bracket, whose
    /// first order is the entry and whose others are its exits, or orders of
    /// which one cancels all others. The gate sees them as one, and all of them
    /// are in the journal before the first is sent. The host sets parent ids, OCA
    /// groups and `transmit`: TWS holds a bracket until its last order has come.
    /// Answers where each stands, in the same order.
    ///
    /// # Errors
    /// As for [`place`](Self::place). Where not all of them stand, the message
    /// says of each what became of it; the entry of a bracket of which a part
    /// was refused is cancelled again, unless it has filled in part.
    #[tracing::instrument(level = "debug", name = "gateway.place_group", skip_all, fields(gateway = self.name()))]
    pub async fn place_group(
        &self,
        caller: &Caller,
        orders: Vec<NewOrder>,
        options: &OrderOptions,
    ) -> Result<Vec<OrderState>> {
        let ask = Ask::new(caller, options)?;
        let work = placing::place(self.clone(), ask, orders);
        self.trade().own_task(work).await
    }

    /// Replaces a working or staged order of this client by another with the
    /// same id (TWS `placeOrder`). With `transmit` on, a staged order is
    /// transmitted. It goes through gate and journal like a new order.
    ///
    /// # Errors
    /// `NotFound` if there is no such order of this client, or it has ended;
    /// else as for [`place`](Self::place).
    #[tracing::instrument(level = "debug", name = "gateway.modify", skip_all, fields(gateway = self.name()))]
    pub async fn modify(
        &self,
        caller: &Caller,
        order_id: i32,
        contract: &Contract,
        order: &Order,
        options: &OrderOptions,
    ) -> Result<OrderState> {
        let ask = Ask::new(caller, options)?;
        let (contract, order) = (contract.clone(), order.clone());
        let work = modifying::modify(self.clone(), ask, order_id, contract, order);
        self.trade().own_task(work).await
    }

    /// Cancels an order of this client, and waits for TWS to say what became
    /// of it: a fill can be faster (TWS `cancelOrder`). Of an order that has
    /// ended already, it answers how. No rule and no halt stops a cancel, and it
    /// goes out even if the journal cannot be written: it makes a risk smaller.
    ///
    /// # Errors
    /// `NotFound` if there is no such order of this client; `Rejected` if TWS
    /// will not cancel it; `Uncertain` if TWS stays silent.
    #[tracing::instrument(level = "debug", name = "gateway.cancel", skip_all, fields(gateway = self.name()))]
    pub async fn cancel(&self, caller: &Caller, order_id: i32) -> Result<OrderState> {
        let ask = Ask::new(caller, &OrderOptions::default())?;
        let work = cancelling::cancel(self.clone(), ask, order_id);
        self.trade().own_task(work).await
    }

    /// Cancels those open orders of this client that `may` lets through. Answers
    /// what became of each, by its id.
    ///
    /// # Errors
    /// `NotConnected`, `TimedOut` if it cannot be known which are open. What
    /// became of each order stands with it.
    #[tracing::instrument(level = "debug", name = "gateway.cancel_all", skip_all, fields(gateway = self.name()))]
    pub async fn cancel_all(
        &self,
        caller: &Caller,
        may: impl Fn(&PlacedOrder) -> bool + Send + 'static,
    ) -> Result<Vec<(i32, Result<OrderState>)>> {
        let ask = Ask::new(caller, &OrderOptions::default())?;
        let work = cancelling::cancel_all(self.clone(), ask, may);
        self.trade().own_task(work).await
    }

    /// Exercises options that the account holds, or lets them lapse (TWS
    /// `exerciseOptions`), and waits until TWS has acknowledged or refused it. It
    /// goes through gate and journal like an order, and cannot be undone. The
    /// account may be absent where there is only one.
    ///
    /// # Errors
    /// As for [`place`](Self::place). There is no preview of it: where one is
    /// demanded, a person has to confirm it.
    #[tracing::instrument(level = "debug", name = "gateway.exercise", skip_all, fields(gateway = self.name()))]
    pub async fn exercise(
        &self,
        caller: &Caller,
        contract: &Contract,
        quantity: u32,
        exercise: bool,
        account: Option<&str>,
    ) -> Result<()> {
        let ask = Ask::new(caller, &OrderOptions::default())?;
        let wish = exercising::Wish {
            contract: contract.clone(),
            quantity,
            exercise,
            account: account.map(str::to_owned),
        };
        let work = exercising::exercise(self.clone(), ask, wish);
        self.trade().own_task(work).await
    }

    /// What the gate and TWS say of an order, without placing it, and the token
    /// that lets exactly this order through once. There is no token for an order
    /// that would be refused.
    ///
    /// # Errors
    /// `InvalidRequest` for what cannot be right; `NotConnected`, `TimedOut`.
    #[tracing::instrument(level = "debug", name = "gateway.preview", skip_all, fields(gateway = self.name()))]
    pub async fn preview(
        &self,
        caller: &Caller,
        contract: &Contract,
        order: &Order,
    ) -> Result<Preview> {
        self.preview_group(caller, vec![alone(contract, order)])
            .await
    }

    /// As [`preview`](Self::preview), for orders that belong together. What TWS
    /// says is of the first of them.
    ///
    /// # Errors
    /// As for [`preview`](Self::preview).
    #[tracing::instrument(level = "debug", name = "gateway.preview_group", skip_all, fields(gateway = self.name()))]
    pub async fn preview_group(&self, caller: &Caller, orders: Vec<NewOrder>) -> Result<Preview> {
        let ask = Ask::new(caller, &OrderOptions::default())?;
        let work = preview::preview(self.clone(), ask, Wish::Place(orders));
        self.trade().own_task(work).await
    }

    /// As [`preview`](Self::preview), for a change of an order.
    ///
    /// # Errors
    /// `NotFound` if there is no such order of this client, or it has ended;
    /// else as for [`preview`](Self::preview).
    #[tracing::instrument(level = "debug", name = "gateway.preview_change", skip_all, fields(gateway = self.name()))]
    pub async fn preview_change(
        &self,
        caller: &Caller,
        order_id: i32,
        contract: &Contract,
        order: &Order,
    ) -> Result<Preview> {
        let ask = Ask::new(caller, &OrderOptions::default())?;
        let change = Box::new((contract.clone(), order.clone()));
        let work = preview::preview(self.clone(), ask, Wish::Modify(order_id, change));
        self.trade().own_task(work).await
    }

    /// Asks TWS what an order would do to the account, without placing it (TWS
    /// `placeOrder` with `whatIf`).
    ///
    /// # Errors
    /// As for [`place`](Self::place), but for `Uncertain`.
    #[tracing::instrument(level = "debug", name = "gateway.what_if", skip_all, fields(gateway = self.name()))]
    pub async fn what_if(
        &self,
        caller: &Caller,
        contract: &Contract,
        order: &Order,
    ) -> Result<OrderImpact> {
        let (session, contract, _) = self.prepare(contract, order).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = what_if::what_if(session, caller, contract, order);
        self.trade().own_task(work).await
    }

    /// Everything that can be known to be wrong with an order before TWS hears
    /// of it. Answers where it would go, its contract as TWS needs it, and its
    /// account.
    pub(super) async fn prepare(
        &self,
        contract: &Contract,
        order: &Order,
    ) -> Result<(Arc<Session>, Contract, String)> {
        validate::order(contract, order, OffsetDateTime::now_utc())?;
        let session = self.session()?;
        let account = one_account(&session, order.account.as_deref())?;
        let contract = self.complete(contract).await?;
        // Now that it is known what the contract is.
        validate::order(&contract, order, OffsetDateTime::now_utc())?;
        Ok((session, contract, account))
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

/// An order that belongs to no other.
fn alone(contract: &Contract, order: &Order) -> NewOrder {
    NewOrder {
        contract: contract.clone(),
        order: order.clone(),
        role: Role::Alone,
    }
}

fn lost() -> Error {
    Error::Other("The order was lost by a defect of the host. See its log.".to_owned())
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
