//! What persons confirmed: each confirmation lets exactly one order through,
//! once.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::gate::digest::OrderDigest;
use crate::model::Caller;

/// How many confirmations are kept. Beyond it the oldest are forgotten.
const KEPT: usize = 250;

/// One confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Approval {
    order: OrderDigest,
    /// For whom the person was asked. The call is not part of it: the order
    /// comes again in a call of its own.
    client: String,
    tool: String,
    tool_digest: String,
    expires: OffsetDateTime,
}

impl Approval {
    fn is_for(&self, order: &OrderDigest, caller: &Caller) -> bool {
        self.order == *order
            && self.client == caller.client
            && self.tool == caller.tool
            && self.tool_digest == caller.digest
    }
}

/// The confirmations that were given and not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Approvals(Vec<Approval>);

impl Approvals {
    /// A person confirmed an order for who asked.
    pub fn grant(
        &mut self,
        order: OrderDigest,
        caller: &Caller,
        seconds: u32,
        now: OffsetDateTime,
    ) {
        let life = Duration::seconds(i64::from(seconds));
        self.0.retain(|approval| now < approval.expires);
        // Twice confirmed is not twice allowed.
        self.0.retain(|approval| !approval.is_for(&order, caller));
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(Approval {
            order,
            client: caller.client.clone(),
            tool: caller.tool.clone(),
            tool_digest: caller.digest.clone(),
            expires: now.checked_add(life).unwrap_or(now),
        });
    }

    /// Uses the confirmation of an order up. Answers whether there was one.
    pub fn take(&mut self, order: &OrderDigest, caller: &Caller, now: OffsetDateTime) -> bool {
        self.0.retain(|approval| now < approval.expires);
        let before = self.0.len();
        self.0.retain(|approval| !approval.is_for(order, caller));
        self.0.len() < before
    }
}
