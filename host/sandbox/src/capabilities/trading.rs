//! Capability `trading`: everything that can move money.
//!
//! An order goes on in the gateway whatever becomes of the call. So a call
//! that has to end while an order is on its way does not get `cancelled`: it
//! waits a little longer for the broker's word, and then it gets `uncertain`.

use std::future::Future;

use sandpit_gateway::model::{self, Caller, OrderOptions};
use wasmtime::component::Linker;

use super::access::Access;
use super::{BrokerView, CapabilityError, HasBroker, ended, error_to_guest, view};
use crate::bindings::sandpit::broker::trading::{
    self, Contract, Host, Order, OrderImpact, OrderState,
};
use crate::bindings::sandpit::broker::types::{Error, UncertainOrder};
use crate::convert::Convert;
use crate::state::{Reason, State};

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
    async fn send(
        &mut self,
        order_id: Option<i32>,
        request: impl Future<Output = model::Result<model::OrderState>> + Send,
    ) -> Result<OrderState, CapabilityError> {
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
        let answer = tokio::select! {
            biased;
            answer = request => answer,
            reason = last_word => return Err(uncertain(order_id, reason).into()),
        };
        if let Err(error) = &answer
            && never_sent(error)
        {
            self.broker().map_err(CapabilityError::Trap)?.orders_sent = sent_before;
        }
        let state = answer.map_err(error_to_guest)?;
        Ok(state.convert()?)
    }
}

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
    ) -> Result<OrderState, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let (contract, order) = (contract.convert()?, order.convert()?);
        let checked = access.order(&contract, order);
        let (contract, order) = self.ending.answer(checked).await?;
        self.send(
            None,
            access
                .gateway
                .place(&caller, &contract, &order, &OrderOptions::default()),
        )
        .await
    }

    async fn modify(
        &mut self,
        order_id: i32,
        contract: Contract,
        order: Order,
    ) -> Result<OrderState, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        let (contract, order) = (contract.convert()?, order.convert()?);
        let checked = async {
            access.existing(order_id).await?;
            access.order(&contract, order).await
        };
        let (contract, order) = self.ending.answer(checked).await?;
        let options = OrderOptions::default();
        let request = access
            .gateway
            .modify(&caller, order_id, &contract, &order, &options);
        self.send(Some(order_id), request).await
    }

    async fn cancel(&mut self, order_id: i32) -> Result<OrderState, CapabilityError> {
        let (access, caller) = self.admit_caller()?;
        self.ending.answer(access.existing(order_id)).await?;
        self.send(Some(order_id), access.gateway.cancel(&caller, order_id))
            .await
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
