//! What happens to a request before and while it is sent.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::journal::chain::Hash;
use crate::journal::exact;
use crate::journal::key::IdempotencyKey;
use crate::journal::record::{ContractRecord, OrderRecord, StateRecord};
use crate::model::{Caller, Contract, Order};

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestKind {
    /// A new order.
    Place,
    /// Another order in the place of one that works.
    Modify,
    /// No longer this order.
    Cancel,
    /// No longer any order.
    CancelAll,
    /// Exercising an option, or letting it lapse.
    Exercise,
    /// What an order would do.
    Preview,
}

impl RequestKind {
    /// Whether it brings a new order into the world.
    #[must_use]
    pub fn makes_an_order(self) -> bool {
        matches!(self, Self::Place | Self::Exercise)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Modify => "modify",
            Self::Cancel => "cancel",
            Self::CancelAll => "cancel-all",
            Self::Exercise => "exercise",
            Self::Preview => "preview",
        }
    }
}

/// Who asked ([`Caller`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerRecord {
    /// Name of the tool.
    pub tool: String,
    /// Digest of the tool's component.
    pub digest: String,
    /// The client that called the tool.
    pub client: String,
    /// The call.
    pub call_id: String,
}

impl From<&Caller> for CallerRecord {
    fn from(caller: &Caller) -> Self {
        Self {
            tool: caller.tool.clone(),
            digest: caller.digest.clone(),
            client: caller.client.clone(),
            call_id: caller.call_id.clone(),
        }
    }
}

/// A caller asked for something that can move money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Who asked.
    pub caller: CallerRecord,
    /// What for.
    pub request: RequestKind,
    /// The instrument, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractRecord>,
    /// The order, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderRecord>,
    /// The order id of the order to change or cancel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<i32>,
    /// What else was asked, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The caller's own name of the request, to have it done once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// A digest that is the same for the same wish only: what a repeated
    /// idempotency key is compared by. Any text will do; if it is left empty,
    /// the journal makes one of all that was asked and of the gateway.
    #[serde(default)]
    pub fingerprint: String,
}

impl Asked {
    /// A request of which nothing but its kind is known.
    #[must_use]
    pub fn new(caller: &Caller, request: RequestKind) -> Self {
        Self {
            caller: CallerRecord::from(caller),
            request,
            contract: None,
            order: None,
            target: None,
            details: BTreeMap::new(),
            idempotency_key: None,
            fingerprint: String::new(),
        }
    }

    /// A new order.
    #[must_use]
    pub fn place(caller: &Caller, contract: &Contract, order: &Order) -> Self {
        Self {
            contract: Some(contract.into()),
            order: Some(order.into()),
            ..Self::new(caller, RequestKind::Place)
        }
    }

    /// Another order in the place of this one.
    #[must_use]
    pub fn modify(caller: &Caller, order_id: i32, contract: &Contract, order: &Order) -> Self {
        Self {
            request: RequestKind::Modify,
            target: Some(order_id),
            ..Self::place(caller, contract, order)
        }
    }

    /// No longer this order.
    #[must_use]
    pub fn cancel(caller: &Caller, order_id: i32) -> Self {
        Self {
            target: Some(order_id),
            ..Self::new(caller, RequestKind::Cancel)
        }
    }

    /// The same, to be done once however often it is asked under this key.
    #[must_use]
    pub fn once(self, key: IdempotencyKey) -> Self {
        Self {
            idempotency_key: Some(key),
            ..self
        }
    }

    /// Fills in the fingerprint, where the caller gave none. `1.5` and `1.50`
    /// are the same wish.
    pub(in crate::journal) fn seal(&mut self, gateway: Option<&str>) {
        if !self.fingerprint.is_empty() {
            return;
        }
        let order = self.order.clone().map(normalized);
        let mut contract = self.contract.clone();
        if let Some(contract) = &mut contract {
            contract.strike = contract.strike.map(|strike| strike.normalize());
            contract.multiplier = contract.multiplier.map(|it| it.normalize());
        }
        let wish = json!({
            "gateway": gateway,
            "request": self.request,
            "contract": contract,
            "order": order,
            "target": self.target,
            "details": self.details,
        });
        let digest: [u8; 32] = Sha256::digest(exact::canonical(&wish)).into();
        self.fingerprint = Hash(digest).to_string();
    }
}

fn normalized(mut order: OrderRecord) -> OrderRecord {
    order.total_quantity = order.total_quantity.normalize();
    for price in [
        &mut order.limit_price,
        &mut order.aux_price,
        &mut order.trailing_percent,
        &mut order.trail_stop_price,
        &mut order.limit_offset,
        &mut order.display_size,
    ] {
        *price = price.as_ref().map(Decimal::normalize);
    }
    order
}

/// A request was refused before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// What was asked.
    pub of: RequestKind,
    /// By what: a rule of the gate, a halt, a person who declined.
    pub by: String,
    /// Why, in the words that the caller got.
    pub sentence: String,
}

/// A request is about to be handed to the socket, exactly like this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sending {
    /// What is asked of TWS.
    pub of: RequestKind,
    /// The instrument, as it is sent; absent for a cancel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractRecord>,
    /// The order, as it is sent; absent for a cancel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderRecord>,
}

impl Sending {
    /// An order, new or changed.
    #[must_use]
    pub fn order(of: RequestKind, contract: &Contract, order: &Order) -> Self {
        Self {
            of,
            contract: Some(contract.into()),
            order: Some(order.into()),
        }
    }

    /// The cancel of an order.
    #[must_use]
    pub fn cancel() -> Self {
        Self {
            of: RequestKind::Cancel,
            contract: None,
            order: None,
        }
    }
}

/// A request certainly never reached the socket, although it was about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotSent {
    /// What was asked.
    pub of: RequestKind,
    /// Why, in a sentence.
    pub sentence: String,
}

/// TWS's first word on a request: it took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledged {
    /// What was asked.
    pub of: RequestKind,
    /// Where the order stands.
    pub state: StateRecord,
}

/// TWS refused a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    /// What was asked. A change or a cancel that is refused leaves the order
    /// as it was.
    pub of: RequestKind,
    /// TWS's message code.
    pub code: i32,
    /// Its words.
    pub text: String,
}
