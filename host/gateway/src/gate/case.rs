//! A proposal and a situation under the light of the rules: what all of them
//! ask for, and the sentence that says so where it is not known.

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::config::{GateConfig, Rules};
use super::proposal::{Exercise, Proposal, Request, Role};
use super::situation::{Instrument, Situation};
use super::words::clean;
use crate::convert::contract::describe;
use crate::model::{
    Action, ComboLeg, Contract, DataType, Order, PlacedOrder, Position, Quote, SecurityType,
};

/// What a rule needed and could not know, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lack(pub(super) String);

impl Lack {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// A number beyond all reckoning.
    pub(super) fn overflow() -> Self {
        Self::new("The numbers of this order are too large to be reckoned with.")
    }
}

pub(super) type Known<T> = Result<T, Lack>;

/// One order of a proposal: a new one, or one as it shall become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) contract: &'a Contract,
    pub(super) order: &'a Order,
    pub(super) role: Role,
    /// How much is still to be filled.
    pub(super) open: Decimal,
}

impl Item<'_> {
    pub(super) fn buys(&self) -> bool {
        self.order.action == Action::Buy
    }
}

/// One instrument that an order trades: itself, or a leg of a combo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg<'a> {
    pub(super) con_id: i32,
    /// How many of it make one of the order's contract.
    pub(super) ratio: Decimal,
    /// Whether it is bought when the order buys.
    pub(super) with: bool,
    /// Where it is routed.
    pub(super) exchange: Option<&'a str>,
}

impl Leg<'_> {
    /// Whether an order on this side buys it.
    pub(super) fn bought(&self, order_buys: bool) -> bool {
        self.with == order_buys
    }

    /// How much of it that many of the contract are.
    pub(super) fn units(&self, of: Decimal) -> Known<Decimal> {
        of.checked_mul(self.ratio).ok_or_else(Lack::overflow)
    }
}

/// The legs of a contract.
pub(super) fn legs<'a>(contract: &'a Contract) -> Known<Vec<Leg<'a>>> {
    if contract.security_type == SecurityType::Combo {
        if contract.combo_legs.is_empty() {
            return Err(Lack::new(format!(
                "The legs of the combo {} are not known.",
                name(contract)
            )));
        }
        let leg = |leg: &'a ComboLeg| Leg {
            con_id: leg.con_id,
            ratio: Decimal::from(leg.ratio),
            with: leg.action == Action::Buy,
            exchange: Some(leg.exchange.as_str()),
        };
        return Ok(contract.combo_legs.iter().map(leg).collect());
    }
    let con_id = contract.con_id.ok_or_else(|| {
        Lack::new(format!(
            "The contract {} is not qualified: it has no conId.",
            name(contract)
        ))
    })?;
    Ok(vec![Leg {
        con_id,
        ratio: Decimal::ONE,
        with: true,
        exchange: contract.exchange.as_deref(),
    }])
}

/// Whether two contracts are the same instrument, or combos of the same legs.
pub(super) fn same_instrument(one: &Contract, other: &Contract) -> bool {
    let key = |contract: &Contract| {
        let mut key: Vec<_> = legs(contract)
            .ok()?
            .iter()
            .map(|leg| (leg.con_id, leg.ratio, leg.with))
            .collect();
        key.sort_unstable();
        Some((contract.security_type == SecurityType::Combo, key))
    };
    key(one).is_some() && key(one) == key(other)
}

/// A contract in a few words, fit for a sentence.
pub(super) fn name(contract: &Contract) -> String {
    clean(&describe(contract), 60)
}

/// What all rules look at.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) config: &'a GateConfig,
    pub(super) proposal: &'a Proposal,
    pub(super) situation: &'a Situation,
}

impl<'a> Case<'a> {
    pub(super) fn rules(&self) -> &'a Rules {
        &self.config.rules
    }

    /// The orders of the proposal.
    pub(super) fn items(&self) -> Vec<Item<'a>> {
        match &self.proposal.request {
            Request::Place(orders) => {
                let item = |new: &'a super::NewOrder| Item {
                    contract: &new.contract,
                    order: &new.order,
                    role: new.role,
                    open: new.order.quantity,
                };
                orders.iter().map(item).collect()
            }
            Request::Modify(change) => vec![Item {
                contract: &change.contract,
                order: &change.order,
                role: Role::Alone,
                open: change
                    .order
                    .quantity
                    .checked_sub(change.existing.state.filled)
                    .unwrap_or(change.order.quantity)
                    .max(Decimal::ZERO),
            }],
            Request::Exercise(_) | Request::Cancel { .. } | Request::CancelAll => Vec::new(),
        }
    }

    pub(super) fn exercise(&self) -> Option<&'a Exercise> {
        match &self.proposal.request {
            Request::Exercise(exercise) => Some(exercise),
            _ => None,
        }
    }

    /// The contracts of the proposal.
    pub(super) fn contracts(&self) -> Vec<&'a Contract> {
        match self.exercise() {
            Some(exercise) => vec![&exercise.contract],
            None => self.items().iter().map(|item| item.contract).collect(),
        }
    }

    /// The order that a change replaces, if it trades the same way.
    pub(super) fn before(&self) -> Option<Item<'a>> {
        let Request::Modify(change) = &self.proposal.request else {
            return None;
        };
        let existing = &change.existing;
        let account = existing.order.account.as_deref();
        let alike = same_instrument(&existing.contract, &change.contract)
            && existing.order.action == change.order.action
            && account.is_none_or(|account| account == self.proposal.account);
        alike.then_some(Item {
            contract: &existing.contract,
            order: &existing.order,
            role: Role::Alone,
            open: existing.state.remaining.max(Decimal::ZERO),
        })
    }

    /// What an instrument is.
    pub(super) fn instrument(&self, con_id: i32) -> Known<&'a Instrument> {
        self.situation.instruments.get(&con_id).ok_or_else(|| {
            Lack::new(format!(
                "What instrument conId {con_id} is, is not known. Look it up with \
                 ibkr_get_contract_details."
            ))
        })
    }

    /// A quote that is fresh enough.
    pub(super) fn quote(&self, con_id: i32) -> Known<&'a Quote> {
        let seen = self.situation.quotes.get(&con_id);
        self.fresh(seen, || match self.situation.instruments.get(&con_id) {
            Some(instrument) => name(&instrument.contract),
            None => format!("conId {con_id}"),
        })
    }

    /// The quote, if it is fresh enough.
    pub(super) fn fresh(
        &self,
        seen: Option<&'a super::QuoteSeen>,
        name: impl Fn() -> String,
    ) -> Known<&'a Quote> {
        let limit = self.config.quote_seconds;
        let lack = || {
            Lack::new(format!(
                "There is no quote for {} younger than {limit} s.",
                name()
            ))
        };
        let seen = seen.ok_or_else(lack)?;
        if !self.is_fresh(seen.as_of, limit) {
            return Err(lack());
        }
        if seen.quote.data_type != DataType::Live && !self.config.delayed_quotes {
            return Err(Lack::new(format!(
                "The quote for {} is delayed or frozen, and only a live one serves here. An \
                 operator can allow others by delayed_quotes in [gate].",
                name()
            )));
        }
        Ok(&seen.quote)
    }

    /// Whether something is no older than that. What is of the future, because
    /// clocks differ, is fresh.
    pub(super) fn is_fresh(&self, as_of: OffsetDateTime, seconds: u32) -> bool {
        self.situation.now - as_of <= Duration::seconds(i64::from(seconds))
    }

    /// How much of the base currency one unit of a currency is.
    pub(super) fn rate(&self, currency: &str) -> Known<Decimal> {
        let base = &self.config.base_currency;
        if currency.eq_ignore_ascii_case(base) {
            return Ok(Decimal::ONE);
        }
        let limit = self.config.account_seconds;
        self.situation
            .rates
            .get(&currency.to_ascii_uppercase())
            .filter(|rate| rate.rate > Decimal::ZERO && self.is_fresh(rate.as_of, limit))
            .map(|rate| rate.rate)
            .ok_or_else(|| {
                Lack::new(format!(
                    "There is no exchange rate from {} to {base} younger than {limit} s.",
                    clean(currency, 8)
                ))
            })
    }

    /// An amount in the base currency.
    pub(super) fn base_amount(&self, amount: Decimal, currency: &str) -> Known<Decimal> {
        let rate = self.rate(currency)?;
        amount.checked_mul(rate).ok_or_else(Lack::overflow)
    }

    /// All positions.
    pub(super) fn positions(&self) -> Known<&'a [Position]> {
        let positions = self.situation.positions.as_deref();
        positions.ok_or_else(|| Lack::new("What the account holds is not known yet. Try again."))
    }

    /// How much the account holds of an instrument; negative when short.
    pub(super) fn position(&self, con_id: i32) -> Known<Decimal> {
        let mut sum = Decimal::ZERO;
        for position in self.positions()? {
            if position.contract.con_id == Some(con_id) && position.account == self.proposal.account
            {
                sum = sum
                    .checked_add(position.quantity)
                    .ok_or_else(Lack::overflow)?;
            }
        }
        Ok(sum)
    }

    /// All open orders, but for those that are at their end.
    pub(super) fn open_orders(&self) -> Known<impl Iterator<Item = &'a PlacedOrder> + use<'a>> {
        let orders = self.situation.open_orders.as_deref();
        orders
            .map(|orders| orders.iter().filter(|order| !order.state.status.is_final()))
            .ok_or_else(|| Lack::new("Which orders are open is not known yet. Try again."))
    }

    /// The open orders of the proposal's account, without the one that a change
    /// replaces. What names no account counts.
    pub(super) fn other_orders(&self) -> Known<Vec<&'a PlacedOrder>> {
        let account = &self.proposal.account;
        let replaced = match &self.proposal.request {
            Request::Modify(change) => {
                let state = &change.existing.state;
                Some((state.client_id, state.order_id))
            }
            _ => None,
        };
        let others = self.open_orders()?.filter(|placed| {
            let named = placed.order.account.as_ref();
            named.is_none_or(|named| named == account)
                && replaced != Some((placed.state.client_id, placed.state.order_id))
        });
        Ok(others.collect())
    }

    /// An open order of this client.
    pub(super) fn open_order(&self, order_id: i32) -> Known<Option<&'a PlacedOrder>> {
        let client = self.situation.connection.client_id;
        Ok(self
            .open_orders()?
            .find(|placed| placed.state.order_id == order_id && placed.state.client_id == client))
    }
}
