//! Writing orders: who asks, what comes along with an order, and what it would
//! do.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::TwsMessage;
use crate::gate::{Demands, OrderDigest, Verdict};

/// Who asks for something that can move money. It is made by the host, never
/// by a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the tool.
    pub tool: String,
    /// Digest of the tool's component.
    pub digest: String,
    /// The client that called the tool.
    pub client: String,
    /// The call.
    pub call_id: String,
}

/// What an order would do to the account, if it were placed. Amounts are in
/// `margin_currency`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderImpact {
    /// Currency of the margins and of the equity.
    pub margin_currency: Option<String>,
    /// Initial margin now.
    pub initial_margin_before: Option<Decimal>,
    /// Initial margin after.
    pub initial_margin_after: Option<Decimal>,
    /// Maintenance margin now.
    pub maintenance_margin_before: Option<Decimal>,
    /// Maintenance margin after.
    pub maintenance_margin_after: Option<Decimal>,
    /// Equity with loan value now.
    pub equity_before: Option<Decimal>,
    /// Equity with loan value after.
    pub equity_after: Option<Decimal>,
    /// The commission, where it is known exactly.
    pub commission: Option<Decimal>,
    /// The least it can be.
    pub min_commission: Option<Decimal>,
    /// The most it can be.
    pub max_commission: Option<Decimal>,
    /// Currency of the commission.
    pub commission_currency: Option<String>,
    /// What TWS warns of.
    pub warning: Option<String>,
}

/// What may come along with an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderOptions {
    /// The caller's own name of the request: asked again under the same name,
    /// the same order is not sent again; what became of it is answered. 1 to
    /// 128 visible ASCII characters.
    pub idempotency_key: Option<String>,
    /// The token of a preview of exactly this order.
    pub preview_token: Option<String>,
}

/// What lets exactly one order through, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewToken {
    /// The token: 64 hexadecimal digits.
    pub token: String,
    /// Until when it can be used.
    pub expires: OffsetDateTime,
}

/// An order before it is placed: what the gate and TWS say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What the gate says, rule by rule.
    pub verdict: Verdict,
    /// What it would do to the account, or why TWS would refuse it.
    pub impact: Result<OrderImpact, TwsMessage>,
    /// What is demanded of it beside the rules.
    pub demands: Demands,
    /// What lets it through; absent for an order that would be refused.
    pub token: Option<PreviewToken>,
}

/// What a person has to be asked before an order may be sent. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// What to show to the person: facts, and quotations of what is not one.
    pub message: String,
    /// What to hand to `approve` or `decline` with the answer.
    pub approval: Approval,
}

/// Names the one question that a person is asked about an order. It says
/// nothing of the answer. It can be written down, and read again after a
/// restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The name of the gateway.
    pub(crate) gateway: String,
    /// The order that is asked about.
    pub(crate) order: OrderDigest,
    /// What no other question has.
    pub(crate) nonce: String,
}

impl Approval {
    /// The name of the gateway that asks.
    #[must_use]
    pub fn gateway(&self) -> &str {
        &self.gateway
    }
}
