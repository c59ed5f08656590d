//! Where an order stands, as the journal writes it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::journal::exact;
use crate::model::{OrderState, OrderStatus};

/// Where an order stands ([`OrderState`]) as the journal writes it. The ids of
/// the order are columns of the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateRecord {
    /// TWS's code, for example `Submitted`; `Staged` for an order that TWS
    /// holds until it is transmitted.
    pub status: String,
    /// How much is filled.
    #[serde(with = "exact::decimal")]
    pub filled: Decimal,
    /// How much is left.
    #[serde(with = "exact::decimal")]
    pub remaining: Decimal,
    /// Average price of the fills.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub avg_fill_price: Option<Decimal>,
    /// Price of the last fill.
    #[serde(
        default,
        with = "exact::maybe_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_fill_price: Option<Decimal>,
    /// Why TWS holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_held: Option<String>,
    /// What TWS warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl From<&OrderState> for StateRecord {
    fn from(state: &OrderState) -> Self {
        Self {
            status: status_code(&state.status).to_owned(),
            filled: state.filled,
            remaining: state.remaining,
            avg_fill_price: state.average_fill_price,
            last_fill_price: state.last_fill_price,
            why_held: state.why_held.clone(),
            warnings: state.warnings.clone(),
        }
    }
}

impl StateRecord {
    /// The state, of the order with these ids.
    #[must_use]
    pub fn to_state(&self, order_id: i32, client_id: i32, perm_id: Option<i64>) -> OrderState {
        OrderState {
            order_id,
            perm_id,
            client_id,
            status: self.order_status(),
            filled: self.filled,
            remaining: self.remaining,
            average_fill_price: self.avg_fill_price,
            last_fill_price: self.last_fill_price,
            why_held: self.why_held.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// What the order is doing.
    #[must_use]
    pub fn order_status(&self) -> OrderStatus {
        let named = [
            OrderStatus::ApiPending,
            OrderStatus::PendingSubmit,
            OrderStatus::PendingCancel,
            OrderStatus::PreSubmitted,
            OrderStatus::Submitted,
            OrderStatus::ApiCancelled,
            OrderStatus::Cancelled,
            OrderStatus::Filled,
            OrderStatus::Inactive,
            OrderStatus::Staged,
        ];
        named
            .into_iter()
            .find(|status| status_code(status) == self.status)
            .unwrap_or_else(|| OrderStatus::Other(self.status.clone()))
    }

    /// Whether nothing more will happen to the order.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.order_status().is_final()
    }
}

/// TWS's code of a status.
fn status_code(status: &OrderStatus) -> &str {
    match status {
        OrderStatus::ApiPending => "ApiPending",
        OrderStatus::PendingSubmit => "PendingSubmit",
        OrderStatus::PendingCancel => "PendingCancel",
        OrderStatus::PreSubmitted => "PreSubmitted",
        OrderStatus::Submitted => "Submitted",
        OrderStatus::ApiCancelled => "ApiCancelled",
        OrderStatus::Cancelled => "Cancelled",
        OrderStatus::Filled => "Filled",
        OrderStatus::Inactive => "Inactive",
        OrderStatus::Staged => "Staged",
        OrderStatus::Other(code) => code,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was() {
        for status in [
            OrderStatus::Submitted,
            OrderStatus::Staged,
            OrderStatus::Filled,
            OrderStatus::Other("Odd".into()),
        ] {
            let state = OrderState {
                order_id: 3,
                perm_id: Some(1_234_567_890_123),
                client_id: 1,
                status,
                filled: "2.50".parse().unwrap(),
                remaining: Decimal::ONE,
                average_fill_price: Some("101.2300".parse().unwrap()),
                last_fill_price: None,
                why_held: Some("trigger".into()),
                warnings: vec!["careful".into()],
            };
            let record = StateRecord::from(&state);
            let text = serde_json::to_string(&record).unwrap();
            let back: StateRecord = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_state(3, 1, state.perm_id), state);
            assert_eq!(back.is_final(), state.status.is_final());
        }
    }
}
