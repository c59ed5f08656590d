//! What accounts hold and what they are worth.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::Contract;
use crate::Decimal;
use crate::broker::account as wit;

/// A number, or a word.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AccountValueContent {
    /// A number.
    Number(Decimal),
    /// Anything else.
    Text(String),
}

impl JsonSchema for AccountValueContent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AccountValueContent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"] })
    }
}

/// One value of an account (TWS `accountSummary`, `updateAccountValue`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AccountValue {
    account: String,
    tag: String,
    value: AccountValueContent,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

impl AccountValue {
    /// What names the value, whatever it is at the time: account, tag and
    /// currency.
    #[must_use]
    pub fn key(&self) -> (&str, &str, Option<&str>) {
        (&self.account, &self.tag, self.currency.as_deref())
    }
}

impl From<wit::AccountValue> for AccountValue {
    fn from(value: wit::AccountValue) -> Self {
        Self {
            account: value.account,
            tag: value.tag,
            value: match value.value {
                wit::Value::Number(number) => AccountValueContent::Number(number),
                wit::Value::Text(text) => AccountValueContent::Text(text),
            },
            currency: value.currency,
        }
    }
}

/// One position (TWS `position`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    account: String,
    contract: Contract,
    position: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_cost: Option<Decimal>,
}

impl From<wit::Position> for Position {
    fn from(position: wit::Position) -> Self {
        Self {
            account: position.account,
            contract: position.contract.into(),
            position: position.quantity,
            avg_cost: position.average_cost,
        }
    }
}

/// One position with its value (TWS `updatePortfolio`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioItem {
    account: String,
    contract: Contract,
    position: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    market_value: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average_cost: Option<Decimal>,
    #[serde(rename = "unrealizedPNL", skip_serializing_if = "Option::is_none")]
    unrealized_pnl: Option<Decimal>,
    #[serde(rename = "realizedPNL", skip_serializing_if = "Option::is_none")]
    realized_pnl: Option<Decimal>,
}

impl PortfolioItem {
    /// Whether both are the same position at different times.
    #[must_use]
    pub fn is_same_position(&self, other: &Self) -> bool {
        self.account == other.account && self.contract.is_same_instrument(&other.contract)
    }
}

impl From<wit::PortfolioItem> for PortfolioItem {
    fn from(item: wit::PortfolioItem) -> Self {
        Self {
            account: item.position.account,
            contract: item.position.contract.into(),
            position: item.position.quantity,
            market_price: item.market_price,
            market_value: item.market_value,
            average_cost: item.position.average_cost,
            unrealized_pnl: item.unrealized_pnl,
            realized_pnl: item.realized_pnl,
        }
    }
}
