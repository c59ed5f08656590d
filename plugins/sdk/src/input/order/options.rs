//! What comes along with an order.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::broker::trading::OrderOptions;

/// What may come along with an order, among the arguments of a tool.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionsArgument {
    /// Your own name for this request: repeated, nothing is sent twice
    idempotency_key: Option<String>,
    /// Of a preview of exactly this
    preview_token: Option<String>,
}

impl From<OptionsArgument> for OrderOptions {
    /// A blank text is none.
    fn from(argument: OptionsArgument) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Self {
            idempotency_key: given(argument.idempotency_key),
            preview_token: given(argument.preview_token),
        }
    }
}
