//! How far orders can move a position, taken as groups: of orders that exclude
//! each other only one can fill, and an exit only closes what its entry opened.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::case::{Case, Item, Known, Lack, legs, name, same_instrument};
use super::proposal::{Exercise, Request, Role};
use crate::model::{Contract, OptionRight, Order, PlacedOrder};

/// How much can be bought and how much can be sold of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) up: Decimal,
    pub(super) down: Decimal,
}

/// Orders of which only one fills.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// One-cancels-all, by its name.
    Oca(String),
    /// Children of one parent, by its client and its id: TWS itself cancels the
    /// others when one has filled.
    Children(i32, i32),
    /// An order for itself.
    Alone(usize),
}

impl Reach {
    /// Of the open orders of the account.
    pub(super) fn of_open(case: &Case<'_>, con_id: i32) -> Known<Self> {
        sum(&open_members(case)?, con_id)
    }

    /// Of the open orders, with the one that a change replaces as it is now.
    pub(super) fn before(case: &Case<'_>, con_id: i32) -> Known<Self> {
        let mut members = open_members(case)?;
        if let Request::Modify(change) = &case.proposal.request {
            members.push(open_member(case, &change.existing, members.len())?);
        }
        sum(&members, con_id)
    }

    /// Of the open orders and of those of the proposal, as it would have them.
    pub(super) fn after(case: &Case<'_>, con_id: i32) -> Known<Self> {
        let mut members = open_members(case)?;
        for item in case.items() {
            let parent = attachment(case, &item)?;
            members.push(Member {
                group: group_of(case, item.order, members.len()),
                contract: item.contract,
                buys: item.buys(),
                open: parent.map_or(item.open, |parent| parent.lets_close(item.open)),
            });
        }
        let mut reach = sum(&members, con_id)?;
        if let Some(exercise) = case.exercise().filter(|exercise| exercise.exercise)
            && let Some(underlying) = &exercise.underlying
            && underlying.con_id == Some(con_id)
        {
            let (units, buys) = delivered(case, exercise)?;
            let side = if buys { &mut reach.up } else { &mut reach.down };
            *side = side.checked_add(units).ok_or_else(Lack::overflow)?;
        }
        Ok(reach)
    }

    /// Of the open orders that are not in the same group as this one.
    pub(super) fn of_others(case: &Case<'_>, item: &Item<'_>, con_id: i32) -> Known<Self> {
        let mut members = open_members(case)?;
        let own = group_of(case, item.order, usize::MAX);
        members.retain(|member| member.group != own);
        sum(&members, con_id)
    }
}

/// One order that may fill.
struct Member<'a> {
    group: Group,
    contract: &'a Contract,
    buys: bool,
    open: Decimal,
}

fn group_of(case: &Case<'_>, order: &Order, number: usize) -> Group {
    match (&order.oca, order.parent_id) {
        (Some(oca), _) => Group::Oca(oca.group.clone()),
        (None, Some(parent)) => Group::Children(case.situation.connection.client_id, parent),
        (None, None) => Group::Alone(number),
    }
}

fn open_members<'a>(case: &Case<'a>) -> Known<Vec<Member<'a>>> {
    let mut members = Vec::new();
    for placed in case.other_orders()? {
        members.push(open_member(case, placed, members.len())?);
    }
    Ok(members)
}

/// An open order. One that only closes what its parent opens counts for what
/// that one has opened so far.
fn open_member<'a>(case: &Case<'a>, placed: &'a PlacedOrder, number: usize) -> Known<Member<'a>> {
    let client = placed.state.client_id;
    let mut open = placed.state.remaining.max(Decimal::ZERO);
    if let Some(parent_id) = placed.order.parent_id {
        let parent = case
            .open_orders()?
            .find(|parent| parent.state.order_id == parent_id && parent.state.client_id == client);
        let parent = parent.map(Parent::of).filter(|parent| {
            same_instrument(parent.contract, &placed.contract)
                && parent.buys != is_buy(&placed.order)
                && placed.order.quantity <= parent.quantity
        });
        if let Some(parent) = parent {
            open = parent.lets_close(open);
        }
    }
    let group = match (&placed.order.oca, placed.order.parent_id) {
        (Some(oca), _) => Group::Oca(oca.group.clone()),
        (None, Some(parent)) => Group::Children(client, parent),
        (None, None) => Group::Alone(number),
    };
    Ok(Member {
        group,
        contract: &placed.contract,
        buys: is_buy(&placed.order),
        open,
    })
}

fn is_buy(order: &Order) -> bool {
    order.action == crate::model::Action::Buy
}

/// The groups together, each with the largest of its orders.
fn sum(members: &[Member<'_>], con_id: i32) -> Known<Reach> {
    let mut groups: BTreeMap<&Group, Reach> = BTreeMap::new();
    for member in members {
        let mut own = Reach::default();
        for leg in legs(member.contract)? {
            if leg.con_id != con_id {
                continue;
            }
            let units = leg.units(member.open)?;
            let side = if leg.bought(member.buys) {
                &mut own.up
            } else {
                &mut own.down
            };
            *side = side.checked_add(units).ok_or_else(Lack::overflow)?;
        }
        let group = groups.entry(&member.group).or_default();
        group.up = group.up.max(own.up);
        group.down = group.down.max(own.down);
    }
    let mut all = Reach::default();
    for group in groups.values() {
        all.up = all.up.checked_add(group.up).ok_or_else(Lack::overflow)?;
        all.down = all
            .down
            .checked_add(group.down)
            .ok_or_else(Lack::overflow)?;
    }
    Ok(all)
}

/// What an exit is attached to: it closes what that order opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parent<'a> {
    pub(super) contract: &'a Contract,
    pub(super) buys: bool,
    /// Its whole quantity, filled or not.
    pub(super) quantity: Decimal,
    /// How much of it has been filled.
    pub(super) filled: Decimal,
}

impl<'a> Parent<'a> {
    fn of(placed: &'a PlacedOrder) -> Self {
        Self {
            contract: &placed.contract,
            buys: is_buy(&placed.order),
            quantity: placed.order.quantity,
            filled: placed.state.filled.max(Decimal::ZERO),
        }
    }

    /// How much of an exit can fill before more of the entry has.
    fn lets_close(&self, open: Decimal) -> Decimal {
        open.min(self.filled)
    }
}

/// The entry that an order of the proposal closes, if it is attached to one:
/// the entry of its proposal, or else its parent among the open orders, on the
/// same instrument.
pub(super) fn attachment<'a>(case: &Case<'a>, item: &Item<'a>) -> Known<Option<Parent<'a>>> {
    if item.role == Role::Exit {
        let entry = case.items().into_iter().find(|other| {
            other.role == Role::Entry && same_instrument(other.contract, item.contract)
        });
        if let Some(entry) = entry {
            return Ok(Some(Parent {
                contract: entry.contract,
                buys: entry.buys(),
                quantity: entry.order.quantity,
                filled: Decimal::ZERO,
            }));
        }
    }
    let Some(parent_id) = item.order.parent_id else {
        return Ok(None);
    };
    let parent = case
        .open_order(parent_id)?
        .filter(|parent| same_instrument(&parent.contract, item.contract));
    Ok(parent.map(Parent::of))
}

/// How much of the underlying the exercise of an option delivers, and whether
/// it buys it.
pub(super) fn delivered(case: &Case<'_>, exercise: &Exercise) -> Known<(Decimal, bool)> {
    let mut all = Decimal::ZERO;
    let mut buys = true;
    for leg in legs(&exercise.contract)? {
        let contract = &case.instrument(leg.con_id)?.contract;
        let multiplier = contract.multiplier.ok_or_else(|| {
            Lack::new(format!(
                "The multiplier of {} is not known.",
                name(contract)
            ))
        })?;
        buys = match contract.right {
            Some(right) => right == OptionRight::Call,
            None => {
                return Err(Lack::new(format!("{} is not an option.", name(contract))));
            }
        };
        let units = exercise.quantity.checked_mul(multiplier.abs());
        all = units
            .and_then(|units| all.checked_add(units))
            .ok_or_else(Lack::overflow)?;
    }
    Ok((all, buys))
}

/// Which of the proposal's orders exclude each other, for every order a number
/// that those of one group share.
pub(super) fn groups(case: &Case<'_>) -> Vec<usize> {
    let items = case.items();
    let keys: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(number, item)| group_of(case, item.order, number))
        .collect();
    keys.iter()
        .map(|key| {
            keys.iter()
                .position(|other| other == key)
                .unwrap_or_default()
        })
        .collect()
}
