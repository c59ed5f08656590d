//! Placing, changing and cancelling orders. Each runs in a task of its own,
//! so that a caller that goes away never leaves an order half done.

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::account::one_account;
use crate::codes::{self, OrderMessage};
use crate::connection::Gateway;
use crate::convert::{self, contract::describe, order::order_type_code};
use crate::model::{
    Action, Caller, Contract, Error, Order, OrderImpact, OrderState, OrderStatus, Result,
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
        validate::order(contract, order, OffsetDateTime::now_utc())?;
        let session = self.session()?;
        check_account(&session, order)?;
        let contract = self.complete(contract).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = place(Arc::clone(&session), caller, contract, order);
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
        validate::order(contract, order, OffsetDateTime::now_utc())?;
        let session = self.session()?;
        check_account(&session, order)?;
        let contract = self.complete(contract).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = modify(Arc::clone(&session), caller, order_id, contract, order);
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
        let work = cancel(Arc::clone(&session), caller.clone(), order_id);
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
        validate::order(contract, order, OffsetDateTime::now_utc())?;
        let session = self.session()?;
        check_account(&session, order)?;
        let contract = self.complete(contract).await?;
        let (caller, order) = (caller.clone(), order.clone());
        let work = what_if(Arc::clone(&session), caller, contract, order);
        own_task(&session, work).await
    }

    /// The contract as TWS needs it: with its number and where it is routed.
    pub(crate) async fn complete(&self, contract: &Contract) -> Result<Contract> {
        let combo = contract.security_type == SecurityType::Combo;
        if combo || (contract.con_id.is_some() && contract.exchange.is_some()) {
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

async fn place(
    session: Arc<Session>,
    caller: Caller,
    contract: Contract,
    order: Order,
) -> Result<OrderState> {
    if let Some(parent) = order.parent_id {
        known(&session, parent).await.map_err(|error| match error {
            Error::NotFound(_) => Error::invalid(format!(
                "parentId {parent} is no open order of this client. Place the parent first, with \
                 transmit off, and use the id it gets."
            )),
            other => other,
        })?;
    }
    let id = {
        // TWS takes ids only in rising order: one order at a time.
        let _turn = session.turns.sending.lock().await;
        let id = session.book.take_id(session.client.next_order_id());
        log(&caller, "places", id, &words(&contract, &order));
        session.book.begin(id, &contract, &order);
        let sent = session
            .client
            .submit_order(
                id,
                &convert::contract::to_tws(&contract),
                &convert::order::to_tws(&order),
            )
            .await;
        if let Err(error) = sent {
            return Err(not_sent(
                &session,
                &error,
                id,
                &words(&contract, &order),
                true,
            ));
        }
        id
    };
    let outcome = conclude(&session, id, &order, &words(&contract, &order)).await;
    if let Err(Error::Rejected(_)) = outcome {
        session.book.forget(id);
    }
    finish(&caller, id, outcome)
}

async fn modify(
    session: Arc<Session>,
    caller: Caller,
    id: i32,
    contract: Contract,
    order: Order,
) -> Result<OrderState> {
    let now = known(&session, id).await?;
    if now.status.is_final() {
        return Err(Error::NotFound(format!(
            "Order {id} has ended: it is {:?}. Place a new order instead.",
            now.status
        )));
    }
    log(&caller, "changes", id, &words(&contract, &order));
    session
        .book
        .with(id, |entry| entry.change(contract.clone(), order.clone()));
    let sent = session
        .client
        .submit_order(
            id,
            &convert::contract::to_tws(&contract),
            &convert::order::to_tws(&order),
        )
        .await;
    if let Err(error) = sent {
        return Err(not_sent(
            &session,
            &error,
            id,
            &words(&contract, &order),
            false,
        ));
    }
    let outcome = conclude(&session, id, &order, &words(&contract, &order)).await;
    if let Err(Error::Rejected(_)) = outcome {
        session.book.with(id, |entry| entry.change_back());
    }
    finish(&caller, id, outcome)
}

/// Waits for TWS's word on an order that was sent.
async fn conclude(session: &Session, id: i32, order: &Order, words: &str) -> Result<OrderState> {
    let settle = session.config.order_settle;
    if order.transmit {
        let deadline = Instant::now() + session.config.order_timeout;
        let heard = first_word(session, id, deadline).await;
        if !heard {
            return Err(uncertain(id, words));
        }
    }
    let staged = !order.transmit;
    session
        .book
        .wait(id, Instant::now() + settle, |entry| {
            let refused = entry.refusal.is_some() && (staged || entry.is_settled());
            (refused || (!staged && entry.is_settled())).then_some(())
        })
        .await;
    let verdict = session
        .book
        .with(id, |entry| (entry.refused(), entry.state.clone()));
    match verdict {
        Some((Some(message), _)) => Err(Error::Rejected(message)),
        Some((None, state)) => Ok(state),
        None => Err(uncertain(id, words)),
    }
}

/// Whether TWS says anything of the order before `deadline`, and before the
/// connection ends.
async fn first_word(session: &Session, id: i32, deadline: Instant) -> bool {
    let waiting = session.book.wait(id, deadline, |entry| {
        let heard = entry.heard || entry.refusal.is_some();
        (heard || entry.lost).then_some(heard)
    });
    tokio::select! {
        () = session.closing.cancelled() => false,
        heard = waiting => heard.unwrap_or(false),
    }
}

async fn cancel(session: Arc<Session>, caller: Caller, id: i32) -> Result<OrderState> {
    let now = known(&session, id).await?;
    if now.status.is_final() {
        return Ok(now);
    }
    log(&caller, "cancels", id, "");
    session.book.with(id, |entry| entry.listen());
    let what = format!("the cancel of order {id}");
    // The answers come by the stream of order updates; this one is not needed.
    drop(
        session
            .client
            .cancel_order(id, "")
            .await
            .map_err(|error| codes::client_error(&error, &what))?,
    );
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
        .unwrap_or_else(|| Err(unknown(id)));
    if let Err(Error::NotFound(_)) = outcome {
        session.book.forget(id);
    }
    finish(&caller, id, outcome)
}

async fn what_if(
    session: Arc<Session>,
    caller: Caller,
    contract: Contract,
    order: Order,
) -> Result<OrderImpact> {
    let what = format!("what the order {} would do", words(&contract, &order));
    let mut question = convert::order::to_tws(&order);
    question.what_if = true;
    // TWS answers nothing for a what-if order that it shall not transmit.
    question.transmit = true;
    let (id, answer) = {
        let _turn = session.turns.sending.lock().await;
        let id = session.book.take_id(session.client.next_order_id());
        log(&caller, "asks what would be", id, &words(&contract, &order));
        let answer = session.book.begin_what_if(id);
        let sent = session
            .client
            .submit_order(id, &convert::contract::to_tws(&contract), &question)
            .await;
        if let Err(error) = sent {
            session.book.end_what_if(id);
            return Err(codes::client_error(&error, &what));
        }
        (id, answer)
    };
    let outcome = tokio::select! {
        () = session.closing.cancelled() => {
            Err(codes::client_error(&ibapi::Error::Shutdown, &what))
        }
        answer = tokio::time::timeout(session.config.request_timeout, answer) => match answer {
            Err(_) => Err(codes::timed_out(&what)),
            Ok(Err(_)) => Err(codes::client_error(&ibapi::Error::ConnectionReset, &what)),
            Ok(Ok(Err(message))) => Err(Error::Rejected(message)),
            Ok(Ok(Ok(state))) => Ok(convert::order::impact(&state)),
        },
    };
    session.book.end_what_if(id);
    outcome
}

/// An order of this client: from the book, or else from TWS.
async fn known(session: &Arc<Session>, id: i32) -> Result<OrderState> {
    if id <= 0 {
        return Err(unknown(id));
    }
    if let Some(placed) = session.book.get(id) {
        return Ok(placed.state);
    }
    let work = {
        let session = Arc::clone(session);
        async move { session.read_open_orders().await }
    };
    let open = session
        .run("the open orders", session.config.request_timeout, work)
        .await?;
    if let Some(placed) = session.book.get(id) {
        return Ok(placed.state);
    }
    match open.iter().find(|placed| placed.state.order_id == id) {
        Some(foreign) => Err(Error::NotFound(format!(
            "Order {id} belongs to API client {}, and this one is client {}. Connect with that \
             clientId to change or cancel it.",
            foreign.state.client_id, session.address.client_id
        ))),
        None => Err(unknown(id)),
    }
}

fn unknown(id: i32) -> Error {
    Error::NotFound(format!(
        "There is no open order {id} of this client. ibkr_get_open_orders lists the open orders."
    ))
}

fn uncertain(id: i32, words: &str) -> Error {
    Error::Uncertain(UncertainOrder {
        order_id: Some(id),
        message: format!(
            "Order {id} ({words}) was sent, and TWS has not said what became of it. Do not send \
             it again: look for it with ibkr_get_open_orders and ibkr_get_executions."
        ),
    })
}

/// What to say of an order whose sending failed, and what to make of it in
/// the book.
fn not_sent(session: &Session, error: &ibapi::Error, id: i32, words: &str, new: bool) -> Error {
    // The socket may have taken the message before it failed.
    if matches!(error, ibapi::Error::Io(_)) {
        return uncertain(id, words);
    }
    if new {
        session.book.forget(id);
    } else {
        session.book.with(id, |entry| entry.change_back());
    }
    codes::client_error(error, &format!("the answer to the order {words}"))
}

/// The order in a few words: `BUY 10 SPY LMT`.
fn words(contract: &Contract, order: &Order) -> String {
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

fn log(caller: &Caller, does: &str, order_id: i32, words: &str) {
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

fn finish(caller: &Caller, order_id: i32, outcome: Result<OrderState>) -> Result<OrderState> {
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
