//! Executions.

use schemars::JsonSchema;
use serde::Serialize;

use super::Contract;
use crate::Decimal;
use crate::broker::order_book as wit;
use crate::time::Timestamp;

/// One fill, or one part of a fill (TWS `execDetails`, `commissionReport`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    exec_id: String,
    time: Timestamp,
    account: String,
    contract: Contract,
    side: &'static str,
    shares: Decimal,
    price: Decimal,
    exchange: String,
    order_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_id: Option<i64>,
    client_id: i32,
    cum_qty: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commission_currency: Option<String>,
    #[serde(rename = "realizedPNL", skip_serializing_if = "Option::is_none")]
    realized_pnl: Option<Decimal>,
}

impl From<wit::Execution> for Execution {
    fn from(execution: wit::Execution) -> Self {
        let (commission, commission_currency, realized_pnl) = match execution.commission {
            Some(wit::Commission {
                amount,
                currency,
                realized_pnl,
            }) => (Some(amount), Some(currency), realized_pnl),
            None => (None, None, None),
        };
        Self {
            exec_id: execution.exec_id,
            time: Timestamp(execution.time),
            account: execution.account,
            contract: execution.contract.into(),
            side: match execution.side {
                wit::Side::Bought => "BOT",
                wit::Side::Sold => "SLD",
            },
            shares: execution.quantity,
            price: execution.price,
            exchange: execution.exchange,
            order_id: execution.order_id,
            perm_id: execution.perm_id,
            client_id: execution.client_id,
            cum_qty: execution.cumulative_quantity,
            avg_price: execution.average_price,
            order_ref: execution.reference,
            commission,
            commission_currency,
            realized_pnl,
        }
    }
}
