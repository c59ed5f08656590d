//! The tokens of previews: each lets exactly one order through, once.

use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use time::{Duration, OffsetDateTime};

use crate::gate::digest::OrderDigest;

/// How many tokens are remembered. Beyond it the oldest are forgotten. They are
/// written down with every order, so there are not many.
const KEPT: usize = 250;

/// How long a token is remembered that is past, to be told from unknown ones.
const REMEMBERED: Duration = Duration::HOUR;

/// Why a token lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None was given.
    #[error(
        "This order needs a preview. Call ibkr_preview_order with the same order, and bring the \
         token of its answer along."
    )]
    Absent,
    /// There is no such token.
    #[error("This is no token of a preview. Call ibkr_preview_order for a new one.")]
    Unknown,
    /// It was used.
    #[error("The token of the preview was used already. Call ibkr_preview_order for a new one.")]
    Used,
    /// It is too old.
    #[error("The token of the preview is too old. Call ibkr_preview_order for a new one.")]
    Expired,
    /// It is of another order.
    #[error(
        "The token is of the preview of another order: this one differs in something. Call \
         ibkr_preview_order with exactly this order."
    )]
    OtherOrder,
}

/// The system gave no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The system gave no random numbers, so there is no token.")]
pub struct NoRandomness;

/// A token, as it is remembered: what it is itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Preview {
    hash: [u8; 32],
    order: OrderDigest,
    expires: OffsetDateTime,
    used: bool,
}

/// The tokens that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Previews(Vec<Preview>);

impl Previews {
    /// A new token for an order: 64 hexadecimal digits that nobody can guess.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn issue(
        &mut self,
        order: OrderDigest,
        seconds: u32,
        now: OffsetDateTime,
    ) -> Result<String, NoRandomness> {
        let mut secret = [0_u8; 32];
        OsRng
            .try_fill_bytes(&mut secret)
            .map_err(|_| NoRandomness)?;
        let token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let life = Duration::seconds(i64::from(seconds));
        self.0.retain(|preview| now - preview.expires < REMEMBERED);
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(Preview {
            hash: hash(&token),
            order,
            expires: now.checked_add(life).unwrap_or(now),
            used: false,
        });
        Ok(token)
    }

    /// Whether a token lets an order through. It stays unused.
    ///
    /// # Errors
    /// Why not.
    pub fn look(
        &self,
        token: &str,
        order: &OrderDigest,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        self.find(token, order, now).map(drop)
    }

    /// Uses a token up.
    ///
    /// # Errors
    /// Why it lets nothing through.
    pub fn redeem(
        &mut self,
        token: &str,
        order: &OrderDigest,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        let place = self.find(token, order, now)?;
        if let Some(preview) = self.0.get_mut(place) {
            preview.used = true;
        }
        Ok(())
    }

    fn find(
        &self,
        token: &str,
        order: &OrderDigest,
        now: OffsetDateTime,
    ) -> Result<usize, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Absent);
        }
        let given = hash(token);
        // All are compared, and in full, so that the time says nothing.
        let mut place = u64::MAX;
        for (number, preview) in (0_u64..).zip(&self.0) {
            let same: Choice = preview.hash.ct_eq(&given);
            place.conditional_assign(&number, same);
        }
        let place = usize::try_from(place).map_err(|_| TokenError::Unknown)?;
        match self.0.get(place) {
            None => Err(TokenError::Unknown),
            Some(preview) if preview.used => Err(TokenError::Used),
            Some(preview) if now >= preview.expires => Err(TokenError::Expired),
            Some(preview) if preview.order != *order => Err(TokenError::OtherOrder),
            Some(_) => Ok(place),
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
