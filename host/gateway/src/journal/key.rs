//! What names an order in the journal, and what a caller names a request by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The signs of a key: none that a person takes for another one.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many signs follow the k: 80 bits.
const SIGNS: usize = 16;

/// The journal's own name of an order: unique over restarts, gateways, client
/// ids and journals, so that it can travel to TWS as `orderRef`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderKey(String);

impl OrderKey {
    /// A key that no other order has.
    #[must_use]
    pub fn random() -> Self {
        let mut bits: u128 = rand::random();
        let signs = (0..SIGNS).map(|_| {
            let sign = ALPHABET.get((bits & 31) as usize).copied();
            bits >>= 5;
            char::from(sign.unwrap_or(b'0'))
        });
        // With a letter in front no table takes it for a number.
        Self(std::iter::once('k').chain(signs).collect())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is no order key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "This is not the key of an order. A key is the letter k and 16 more signs, for example \
     k3f9q2mzx4w8v1c7b: the journal lists them."
)]
pub struct BadOrderKey;

impl FromStr for OrderKey {
    type Err = BadOrderKey;

    fn from_str(text: &str) -> Result<Self, BadOrderKey> {
        let good = text.len() == SIGNS + 1
            && text.starts_with('k')
            && text.bytes().all(|letter| ALPHABET.contains(&letter));
        good.then(|| Self(text.to_owned())).ok_or(BadOrderKey)
    }
}

impl TryFrom<String> for OrderKey {
    type Error = BadOrderKey;

    fn try_from(text: String) -> Result<Self, BadOrderKey> {
        text.parse()
    }
}

impl From<OrderKey> for String {
    fn from(key: OrderKey) -> Self {
        key.0
    }
}

/// One request about an order, by the number of its `asked` row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub i64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a caller names a request by, so that asking twice does it once (the
/// `idempotencyKey` of place and modify). It counts for the whole journal:
/// over clients, tools, gateways and restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in bytes.
    pub const LONGEST: usize = 128;

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The idempotencyKey must be 1 to {} visible ASCII characters without spaces, for example a \
     UUID. Choose another one.",
    IdempotencyKey::LONGEST
)]
pub struct BadIdempotencyKey;

impl FromStr for IdempotencyKey {
    type Err = BadIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, BadIdempotencyKey> {
        let good = (1..=Self::LONGEST).contains(&text.len())
            && text.bytes().all(|letter| letter.is_ascii_graphic());
        good.then(|| Self(text.to_owned())).ok_or(BadIdempotencyKey)
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = BadIdempotencyKey;

    fn try_from(text: String) -> Result<Self, BadIdempotencyKey> {
        text.parse()
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_different_and_read_back() {
        let keys: HashSet<_> = (0..1000).map(|_| OrderKey::random()).collect();
        assert_eq!(keys.len(), 1000);
        for key in keys {
            assert_eq!(key.as_str().parse(), Ok(key.clone()));
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in [
            "",
            "k",
            "k0123456789abcdeA",
            "x0123456789abcdef",
            "k0123456789abcde ",
        ] {
            assert_eq!(text.parse::<OrderKey>(), Err(BadOrderKey), "{text}");
        }
        let long = "x".repeat(IdempotencyKey::LONGEST + 1);
        for text in ["", "a b", "a\n", "é", &long] {
            assert_eq!(
                text.parse::<IdempotencyKey>(),
                Err(BadIdempotencyKey),
                "{text}"
            );
        }
        assert!("order-2026-11-22/1".parse::<IdempotencyKey>().is_ok());
    }
}
