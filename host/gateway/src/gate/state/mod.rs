//! What the gate remembers from one order to the next. Time is passed in, and
//! all of it can be written down and read again after a restart.

mod approvals;
mod halts;
mod peaks;
mod previews;
mod rates;
mod rejections;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use approvals::Approvals;
pub use halts::{Halt, HaltSource, Halts, StillHalted};
pub use peaks::Peaks;
pub use previews::{NoRandomness, Previews, TokenError};
pub use rates::{Counts, Duplicates, Rates};
pub use rejections::{Pause, Rejections};

use super::config::GateConfig;
use super::digest::OrderDigest;
use super::judge::Demands;
use super::proposal::Proposal;
use super::situation::Situation;

/// What the gate of one gateway remembers. Serialised, it is the snapshot to
/// keep over a restart. A snapshot that cannot be read is no reason to begin
/// anew: halt, and let the operator decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateState {
    /// How many orders were sent.
    pub rates: Rates,
    /// Which orders were sent lately.
    pub duplicates: Duplicates,
    /// How many orders TWS refused in a row.
    pub rejections: Rejections,
    /// Whether trading is halted.
    pub halts: Halts,
    /// The tokens of previews.
    pub previews: Previews,
    /// What persons confirmed.
    pub approvals: Approvals,
    /// The best profit of today.
    pub peaks: Peaks,
}

/// What is missing of an order that the rules allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The token of a preview of exactly this order.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// The confirmation of a person: stop, ask, [grant](Approvals::grant), and
    /// run again.
    #[error("This order needs the confirmation of a person.")]
    Confirmation,
}

impl GateState {
    /// Puts what is remembered into a situation.
    pub fn fill(&self, config: &GateConfig, proposal: &Proposal, situation: &mut Situation) {
        let now = situation.now;
        situation.counts = Some(self.rates.counts(&config.time_zone, now));
        situation.last_alike = self.duplicates.last(&OrderDigest::alike(proposal));
        situation.pause = self.rejections.pause(&config.rules, now);
        situation.halt = self.halts.current().cloned();
    }

    /// Whether an order that the rules allow has what is demanded beside. If
    /// so, token and confirmation are used up; if not, neither is.
    ///
    /// # Errors
    /// What is missing.
    pub fn release(
        &mut self,
        config: &GateConfig,
        proposal: &Proposal,
        token: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<(), Missing> {
        let demands = Demands::of(config, proposal);
        let digest = OrderDigest::of(proposal);
        // A token that is given is looked at, demanded or not.
        if demands.token || token.is_some() {
            self.previews
                .look(token.unwrap_or_default(), &digest, now)?;
        }
        if demands.confirmation && !self.approvals.take(&digest, &proposal.caller, now) {
            return Err(Missing::Confirmation);
        }
        if let Some(token) = token {
            self.previews.redeem(token, &digest, now)?;
        }
        Ok(())
    }

    /// Notes that a proposal is about to be sent. From here on it counts,
    /// whatever becomes of it.
    pub fn admit(&mut self, config: &GateConfig, proposal: &Proposal, now: OffsetDateTime) {
        let messages = proposal.request.messages();
        if messages == 0 {
            return;
        }
        self.rates.record(messages, &config.time_zone, now);
        if let Some(seconds) = config.rules.duplicate_seconds {
            let alike = OrderDigest::alike(proposal);
            self.duplicates.record(alike, seconds, now);
        }
    }
}
