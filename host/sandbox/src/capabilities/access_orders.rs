//! What a scope lets through of orders: those that are read, those that are
//! changed or cancelled, and those that are new.

use std::collections::BTreeSet;

use sandpit_gateway::gate::NewOrder;
use sandpit_gateway::model::{Contract, Error, Order, PlacedOrder, Result, SecurityType};

use super::access::Access;
use crate::scope::Rules;

impl Access {
    /// The orders that are in reach.
    ///
    /// # Errors
    /// As for [`Access::reach_contract`].
    pub(super) async fn filter_orders(&self, orders: Vec<PlacedOrder>) -> Result<Vec<PlacedOrder>> {
        let rules = self.scope.reading();
        if !rules.limit_anything() {
            return Ok(orders);
        }
        let connection = self.connection().await?;
        let mut kept = Vec::with_capacity(orders.len());
        for placed in orders {
            if self.reach_order(rules, &placed, &connection).await? {
                kept.push(placed);
            }
        }
        Ok(kept)
    }

    /// Whether an order is in reach. Of one that TWS may not have spoken of,
    /// the contract is the word of whoever placed it: only its number counts.
    async fn reach_order(
        &self,
        rules: Rules<'_>,
        placed: &PlacedOrder,
        connection: &[String],
    ) -> Result<bool> {
        let PlacedOrder {
            contract, order, ..
        } = placed;
        if !self
            .reach_record(rules, order.account.as_deref(), contract, connection)
            .await?
        {
            return Ok(false);
        }
        match contract.con_id {
            Some(con_id) if contract.security_type != SecurityType::Combo => {
                self.reach_number(rules, con_id, None).await
            }
            _ => Ok(true),
        }
    }

    /// Whether the tool may change or cancel the order of this id, or let
    /// another wait for it.
    ///
    /// # Errors
    /// `absent` if there is no such order, or none that the tool may see;
    /// `NoPermission` if it may see it and not trade it.
    async fn may_trade(&self, order_id: i32, absent: Error) -> Result<()> {
        let placed = match self.gateway.order(order_id).await {
            Ok(placed) => placed,
            Err(Error::NotFound(_)) => return Err(absent),
            Err(error) => return Err(error),
        };
        let connection = self.connection().await?;
        let (reading, trading) = (self.scope.reading(), self.scope.trading());
        if !self.reach_order(reading, &placed, &connection).await? {
            return Err(absent);
        }
        if !self.reach_order(trading, &placed, &connection).await? {
            return Err(Error::NoPermission(format!(
                "The operator's policy lets this tool see order {order_id}, and not trade it."
            )));
        }
        Ok(())
    }

    /// Checks the order behind an id that is to be changed or cancelled.
    ///
    /// # Errors
    /// `NotFound`, as for an order that does not exist, if the tool may not see
    /// it; `NoPermission` if it may see it and not trade it.
    pub(super) async fn existing(&self, order_id: i32) -> Result<()> {
        if !self.scope.trading().limit_anything() {
            return Ok(());
        }
        self.may_trade(order_id, Error::no_order(order_id)).await
    }

    /// The ids of this client's open orders that the tool may trade; none where
    /// nothing is limited.
    ///
    /// # Errors
    /// As for [`Access::reach_contract`].
    pub(super) async fn tradable(&self) -> Result<Option<BTreeSet<i32>>> {
        let rules = self.scope.trading();
        if !rules.limit_anything() {
            return Ok(None);
        }
        let connection = self.connection().await?;
        let client_id = self.gateway.status().client_id;
        let mut ids = BTreeSet::new();
        for placed in self.gateway.open_orders().await? {
            if placed.state.client_id == client_id
                && self.reach_order(rules, &placed, &connection).await?
            {
                ids.insert(placed.state.order_id);
            }
        }
        Ok(Some(ids))
    }

    /// The order of this id, if the tool may see it.
    ///
    /// # Errors
    /// `NotFound` if there is no such order, or none that the tool may see.
    pub(super) async fn seen_order(&self, order_id: i32) -> Result<PlacedOrder> {
        let placed = self.gateway.order(order_id).await?;
        let rules = self.scope.reading();
        if rules.limit_anything() {
            let connection = self.connection().await?;
            if !self.reach_order(rules, &placed, &connection).await? {
                return Err(Error::no_order(order_id));
            }
        }
        Ok(placed)
    }

    /// An order that a tool wants to send, as the scope lets it: with its
    /// account, and with the contract as TWS knows it.
    ///
    /// # Errors
    /// `NoPermission` for what is out of reach; `InvalidRequest` as for an order
    /// without a limit.
    pub(super) async fn order(
        &self,
        contract: &Contract,
        mut order: Order,
    ) -> Result<(Contract, Order)> {
        let rules = self.scope.trading();
        order.account = self.account(rules, order.account).await?;
        let contract = self.contract(rules, contract).await?;
        if rules.limit_anything() {
            self.companions(rules, &order).await?;
        }
        Ok((contract, order))
    }

    /// Orders that belong together, as the scope lets them.
    ///
    /// # Errors
    /// As for [`Access::order`].
    pub(super) async fn group(&self, mut orders: Vec<NewOrder>) -> Result<Vec<NewOrder>> {
        for new in &mut orders {
            let order = new.order.clone();
            (new.contract, new.order) = self.order(&new.contract, order).await?;
        }
        Ok(orders)
    }

    /// Checks the orders that this one would act on: the last child of a
    /// family transmits its parent, and a fill in a one-cancels-all group
    /// cancels the others.
    async fn companions(&self, rules: Rules<'_>, order: &Order) -> Result<()> {
        if let Some(parent) = order.parent_id {
            self.may_trade(parent, Error::no_parent(parent)).await?;
        }
        let Some(oca) = &order.oca else { return Ok(()) };
        let connection = self.connection().await?;
        for placed in self.gateway.open_orders().await? {
            let member = placed
                .order
                .oca
                .as_ref()
                .is_some_and(|of| of.group == oca.group);
            if member && !self.reach_order(rules, &placed, &connection).await? {
                return Err(Error::NoPermission(format!(
                    "The operator's policy does not let this tool trade in the one-cancels-all \
                     group {:?}. Choose another name for the group.",
                    oca.group
                )));
            }
        }
        Ok(())
    }
}
