//! What somebody wants to do, as the gate sees it.

use rust_decimal::Decimal;

use crate::model::{Caller, Contract, Order, PlacedOrder};

/// What an order is to the others that are placed with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Nothing, but for what its parent id and its OCA group say.
    #[default]
    Alone,
    /// It opens what the exits of the same proposal close.
    Entry,
    /// It closes what the entry of the same proposal opens or, without one,
    /// what its parent opens or the account holds.
    Exit,
}

/// A new order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// What is traded: qualified, so that it has a `con_id`, or a combo.
    pub contract: Contract,
    /// The order. Its account is [`Proposal::account`], whatever it says.
    pub order: Order,
    /// What it is to the others.
    pub role: Role,
}

/// A change of an open order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The order as it is now.
    pub existing: PlacedOrder,
    /// What is to be traded, qualified.
    pub contract: Contract,
    /// The order that it is to become.
    pub order: Order,
}

/// The exercise of an option, or its lapse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// The option, qualified.
    pub contract: Contract,
    /// What is delivered, qualified; absent for options settled in cash.
    pub underlying: Option<Contract>,
    /// How many contracts.
    pub quantity: Decimal,
    /// True to exercise, false to let it lapse.
    pub exercise: bool,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Place these orders, which belong together.
    Place(Vec<NewOrder>),
    /// Change an order.
    Modify(Box<Change>),
    /// Exercise an option, or let it lapse.
    Exercise(Box<Exercise>),
    /// Cancel an order.
    Cancel {
        /// Its id.
        order_id: i32,
    },
    /// Cancel all orders.
    CancelAll,
}

impl Request {
    /// Whether it only cancels.
    pub fn is_cancel(&self) -> bool {
        matches!(self, Self::Cancel { .. } | Self::CancelAll)
    }

    /// How many orders and changes would be sent, as the rates count them.
    pub fn messages(&self) -> u32 {
        match self {
            Self::Place(orders) => u32::try_from(orders.len()).unwrap_or(u32::MAX),
            Self::Modify(_) | Self::Exercise(_) => 1,
            Self::Cancel { .. } | Self::CancelAll => 0,
        }
    }
}

/// Who wants to do what, where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Who asks.
    pub caller: Caller,
    /// The name of the gateway, as the configuration has it.
    pub gateway: String,
    /// The account, named in full also where there is only one.
    pub account: String,
    /// What is asked.
    pub request: Request,
}

impl Proposal {
    /// Whether the account is a live one: real money. The ids of paper accounts
    /// begin with D.
    pub fn is_live(&self) -> bool {
        !is_paper(&self.account)
    }
}

/// Whether an account is a paper account, by its id.
pub(crate) fn is_paper(account: &str) -> bool {
    account.starts_with('D')
}
