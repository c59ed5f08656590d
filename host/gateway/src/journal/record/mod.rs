//! The gateway's types as the journal writes them: plain JSON in TWS's own
//! names and codes, decimals as text. Each comes from the model's type and
//! goes back to it without a loss.

mod contract;
mod order;
mod state;

pub use contract::{ComboLegRecord, ContractRecord};
pub use order::OrderRecord;
pub use state::StateRecord;

use crate::model::Action;

/// TWS's code of a side.
fn action_code(action: Action) -> &'static str {
    match action {
        Action::Buy => "BUY",
        Action::Sell => "SELL",
        Action::SellShort => "SSHORT",
    }
}

/// The side of a code.
fn action(code: &str) -> Option<Action> {
    match code {
        "BUY" => Some(Action::Buy),
        "SELL" => Some(Action::Sell),
        "SSHORT" => Some(Action::SellShort),
        _ => None,
    }
}
