//! Capability `trading`: everything that can move money.
//!
//! An order goes on in the gateway whatever becomes of the call. So a call
//! that has to end while an order is on its way does not get `cancelled`: it
//! waits a little longer for the broker's word, and then it gets `uncertain`.
//!
//! An order that a person has to confirm ends the instance before anything was
//! sent: the tool never learns of it, and its call runs again from the
//! beginning once the person has confirmed.

use std::future::Future;

use sandpit_gateway::model::{self, Caller, OrderOptions as Options};
use wasmtime::component::Linker;

use super::access::Access;
use super::{BrokerView, CapabilityError, HasBroker, ended, error_to_guest, view};
use crate::bindings::sandpit::broker::trading::{
    self, CancelledOrder, Contract, Host, NewOrder, Order, OrderImpact, OrderOptions, OrderPreview,
    OrderState,
};
use crate::bindings::sandpit::broker::types::{Error, UncertainOrder};
use crate::convert::Convert;
use crate::state::{Reason, State};

/// A person has to confirm an order before the call may go on.
#[derive(Debug, thiserror::Error)]
#[error("an order waits for the confirmation of a person")]
pub(crate) struct Unconfirmed;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    trading::add_to_linker::<State, HasBroker>(linker, view)
}

impl BrokerView<'_> {
    /// Admits a request that names its caller.
    fn admit_caller(&mut self) -> Result<(Access, Caller), CapabilityError> {
        let access = self.admit()?;
        let broker = self.broker().map_err(CapabilityError::Trap)?;
        Ok((access, broker.caller.clone()))
    }

    /// Sends an order request and waits for what becomes of it.
    async fn send<T>(
        &mut self,
        order_id: Option<i32>,
        request: impl Future<Output = model::Result<T>> + Send,
    ) -> Result<T, CapabilityError> {
        if self.ending.is_reached() {
            let reason = self.ending.reached().await;
            return Err(ended(reason).into());
        }
        let sent_before = {
            let broker = self.broker().map_err(CapabilityError::Trap)?;
            std::mem::replace(&mut broker.orders_sent, true)
        };
        let last_word = async {
            let reason = self.ending.reached().await;
            tokio::time::sleep(self.ending.grace() / 2).await;
            reason
        };
        let request = self.ending.gateway(request);
        let answer = tokio::select! {
            biased;
            answer = request => answer,
            reason = last_word => return Err(uncertain(order_id, reason).into()),
        };
        let broker = self.broker().map_err(CapabilityError::Trap)?;
        match answer {
            Ok(answer) => Ok(answer),
            Err(model::Error::ConfirmationNeeded(confirmation)) => {
                broker.orders_sent = sent_before;
                if sent_before {
                    // The call would run again from its beginning, and send
                    // again what it has sent.
                    return Err(Error::NoPermission(SECOND_ORDER.to_owned()).into());
                }
                broker.unconfirmed = Some(confirmation);
                Err(CapabilityError::Trap(wasmtime::Error::new(Unconfirmed)))
            }
            Err(error) => {
                if never_sent(&error) {
                    broker.orders_sent = sent_before;
                }
                Err(error_to_guest(error).into())
            }
        }
    }
}

/// For a call that has sent an order and wants another that a person has to
/// confirm.
const SECOND_ORDER: &str = "A person has to confirm this order, and the call has already sent \
     another: only the first order of a call can be confirmed. Send this one with a call of its \
     own, or both as a group.";

impl Host for BrokerView<'_> {
    async fn next_valid_id(&mut self) -> Result<i32, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let request = access.gateway.next_valid_id(&caller);
        self.ending.answer(request).await
    }

    async fn place(
        &mut self,
        contract: Contract,
        order: Order,
        options: OrderOptions,
    ) -> Result<OrderState, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let (contract, order) = (contract.convert()?, order.convert()?);
        let options: Options = options.convert()?;
        let checked = access.order(&contract, order);
        let (contract, order) = self.ending.answer(checked).await?;
        let request = access.gateway.place(&caller, &contract, &order, &options);
        Ok(self.send(None, request).await?.convert()?)
    }

    async fn place_group(
        &mut self,
        orders: Vec<NewOrder>,
        options: OrderOptions,
    ) -> Result<Vec<OrderState>, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let orders = orders.convert()?;
        let options: Options = options.convert()?;
        let orders = self.ending.answer(access.group(orders)).await?;
        let request = access.gateway.place_group(&caller, orders, &options);
        Ok(self.send(None, request).await?.convert()?)
    }

    async fn modify(
        &mut self,
        order_id: i32,
        contract: Contract,
        order: Order,
        options: OrderOptions,
    ) -> Result<OrderState, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let (contract, order) = (contract.convert()?, order.convert()?);
        let options: Options = options.convert()?;
        let checked = async {
            access.existing(order_id).await?;
            access.order(&contract, order).await
        };
        let (contract, order) = self.ending.answer(checked).await?;
        let gateway = &access.gateway;
        let request = gateway.modify(&caller, order_id, &contract, &order, &options);
        Ok(self.send(Some(order_id), request).await?.convert()?)
    }

    async fn cancel(&mut self, order_id: i32) -> Result<OrderState, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        self.ending.answer(access.existing(order_id)).await?;
        let request = access.gateway.cancel(&caller, order_id);
        Ok(self.send(Some(order_id), request).await?.convert()?)
    }

    async fn cancel_all(&mut self) -> Result<Vec<CancelledOrder>, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let in_reach = self.ending.answer(access.tradable()).await?;
        let may = move |placed: &model::PlacedOrder| {
            let id = placed.state.order_id;
            in_reach.as_ref().is_none_or(|ids| ids.contains(&id))
        };
        let outcomes = self
            .send(None, access.gateway.cancel_all(&caller, may))
            .await?;
        let mut cancelled = Vec::with_capacity(outcomes.len());
        for (order_id, outcome) in outcomes {
            let outcome = match outcome {
                Ok(state) => Ok(state.convert()?),
                Err(error) => Err(error_to_guest(error)),
            };
            cancelled.push(CancelledOrder { order_id, outcome });
        }
        Ok(cancelled)
    }

    async fn exercise(
        &mut self,
        contract: Contract,
        quantity: u32,
        exercise: bool,
        account: Option<String>,
    ) -> Result<(), CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let contract: model::Contract = contract.convert()?;
        let rules = access.scope.trading();
        let checked = async {
            let account = access.account(rules, account).await?;
            Ok((access.contract(rules, &contract).await?, account))
        };
        let (contract, account) = self.ending.answer(checked).await?;
        let account = account.as_deref();
        let gateway = &access.gateway;
        let request = gateway.exercise(&caller, &contract, quantity, exercise, account);
        self.send(None, request).await
    }

    async fn preview(&mut self, orders: Vec<NewOrder>) -> Result<OrderPreview, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let orders = orders.convert()?;
        let request = async {
            let orders = access.group(orders).await?;
            access.gateway.preview_group(&caller, orders).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn preview_change(
        &mut self,
        order_id: i32,
        contract: Contract,
        order: Order,
    ) -> Result<OrderPreview, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let (contract, order) = (contract.convert()?, order.convert()?);
        let request = async {
            access.existing(order_id).await?;
            let (contract, order) = access.order(&contract, order).await?;
            let gateway = &access.gateway;
            gateway
                .preview_change(&caller, order_id, &contract, &order)
                .await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }

    async fn what_if(
        &mut self,
        contract: Contract,
        order: Order,
    ) -> Result<OrderImpact, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let (contract, order) = (contract.convert()?, order.convert()?);
        let request = async {
            let (contract, order) = access.order(&contract, order).await?;
            access.gateway.what_if(&caller, &contract, &order).await
        };
        Ok(self.ending.answer(request).await?.convert()?)
    }
}

/// Whether the request was turned away before anything reached TWS.
fn never_sent(error: &model::Error) -> bool {
    matches!(
        error,
        model::Error::NotConnected(_)
            | model::Error::NotFound(_)
            | model::Error::NoPermission(_)
            | model::Error::InvalidRequest(_)
    )
}

fn uncertain(order_id: Option<i32>, reason: Reason) -> Error {
    let what = match reason {
        Reason::Cancelled => "was cancelled",
        Reason::Deadline => "ran into its deadline",
    };
    Error::Uncertain(UncertainOrder {
        order_id,
        message: format!(
            "The call {what} while an order request was on its way to TWS, which has not said \
             what became of it. Look at the open orders and executions before you send it again."
        ),
    })
}
