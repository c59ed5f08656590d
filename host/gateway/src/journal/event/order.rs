//! What happens to an order once TWS has it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::RequestKind;
use crate::journal::exact;
use crate::journal::record::{ContractRecord, OrderRecord, StateRecord};
use crate::model::{Commission, Execution, Side};

/// A fill, or a part of one ([`Execution`]). Its commission is a row of its
/// own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FillRecord {
    /// TWS's id of the execution.
    pub exec_id: String,
    /// The account.
    pub account: String,
    /// What was traded.
    pub contract: ContractRecord,
    /// `BOT` or `SLD`.
    pub side: String,
    /// How much, in shares or contracts.
    #[serde(with = "exact::decimal")]
    pub shares: Decimal,
    /// At which price, in the contract's currency.
    #[serde(with = "exact::decimal")]
    pub price: Decimal,
    /// When.
    #[serde(with = "exact::moment")]
    pub time: OffsetDateTime,
    /// Where.
    pub exchange: String,
    /// How much of the order is filled after it.
    #[serde(with = "exact::decimal")]
    pub cum_qty: Decimal,
    /// Average price of the order after it.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub avg_price: Option<Decimal>,
    /// The text that travelled with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
}

impl From<&Execution> for FillRecord {
    fn from(execution: &Execution) -> Self {
        let side = match execution.side {
            Side::Bought => "BOT",
            Side::Sold => "SLD",
        };
        Self {
            exec_id: execution.exec_id.clone(),
            account: execution.account.clone(),
            contract: ContractRecord::from(&execution.contract),
            side: side.to_owned(),
            shares: execution.quantity,
            price: execution.price,
            time: execution.time,
            exchange: execution.exchange.clone(),
            cum_qty: execution.cumulative_quantity,
            avg_price: execution.average_price,
            order_ref: execution.reference.clone(),
        }
    }
}

impl FillRecord {
    /// Whether it is the same execution, to the share and the cent.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        let essence = |fill: &Self| (fill.exec_id.clone(), fill.side.clone(), fill.shares);
        essence(self) == essence(other) && self.price == other.price
    }
}

/// What a fill cost ([`Commission`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionRecord {
    /// TWS's id of the execution.
    pub exec_id: String,
    /// The commission.
    #[serde(with = "exact::decimal")]
    pub amount: Decimal,
    /// ISO 4217 code of its currency.
    pub currency: String,
    /// Profit realized by the execution, in the same currency.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub realized_pnl: Option<Decimal>,
}

impl CommissionRecord {
    /// What the execution with this id cost.
    #[must_use]
    pub fn new(exec_id: impl Into<String>, commission: &Commission) -> Self {
        Self {
            exec_id: exec_id.into(),
            amount: commission.amount,
            currency: commission.currency.clone(),
            realized_pnl: commission.realized_pnl,
        }
    }
}

/// A fill was corrected or busted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// TWS's id of the correction: that of the fill but for what is behind the
    /// last dot.
    pub exec_id: String,
    /// The fill as it stands now; absent if it was busted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<FillRecord>,
}

impl Correction {
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.exec_id == other.exec_id
            && match (&self.fill, &other.fill) {
                (Some(a), Some(b)) => a.repeats(b),
                (None, None) => true,
                _ => false,
            }
    }
}

/// An order was cancelled, by whom ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancelled {
    /// TWS's message code, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How much was filled before.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub filled: Option<Decimal>,
}

/// A request was sent, and TWS's word on it never came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uncertain {
    /// What was asked.
    pub of: RequestKind,
    /// What is known, in a sentence.
    pub sentence: String,
}

/// What a look-up found of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It works or waits.
    Working,
    /// It is filled in full.
    Filled,
    /// It is cancelled.
    Cancelled,
    /// TWS refused it.
    Rejected,
    /// TWS does not know it, and nothing of it was filled: it never arrived.
    NeverArrived,
    /// TWS had it and lists it nowhere any more: it ended while nobody looked,
    /// and beyond its fills it is not known how.
    Gone,
    /// It cannot be told yet.
    StillUncertain,
}

impl Found {
    /// Whether the order is at its end.
    #[must_use]
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Working | Self::StillUncertain)
    }
}

/// What looking it up in TWS found of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciled {
    /// What was found.
    pub found: Found,
    /// Where the order stands, if TWS knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateRecord>,
    /// Where it was looked for and what was seen, in a sentence.
    pub sentence: String,
}

/// An order that this journal did not place was seen in TWS: one made by hand,
/// by another program, or before the journal began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// What is traded.
    pub contract: ContractRecord,
    /// The order.
    pub order: OrderRecord,
    /// Where it stands.
    pub state: StateRecord,
}
