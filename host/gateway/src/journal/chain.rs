//! The hash chain: what binds each row to all rows before it.

use std::fmt;
use std::str::FromStr;

use rusqlite::types::ValueRef;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is not a hash of the journal: it has 64 hexadecimal digits.")]
pub struct BadHash;

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BadHash);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or(BadHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BadHash)?;
        }
        Ok(Self(bytes))
    }
}

/// What stands in the place of the previous hash in the first row: it names
/// the journal, so that rows of another one do not fit.
pub(super) fn genesis(journal: &str) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"sandpit journal\0");
    digest.update(journal.as_bytes());
    Hash(digest.finalize().into())
}

/// The hash of a row: of the previous row's hash and of every other column,
/// each with its type and its length, so that nothing can move from one into
/// the next unseen.
pub(super) fn row_hash(cells: &[ValueRef<'_>], previous: ValueRef<'_>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"sandpit row 1\0");
    digest.update((cells.len() as u64).to_be_bytes());
    for cell in cells {
        update(&mut digest, *cell);
    }
    update(&mut digest, previous);
    Hash(digest.finalize().into())
}

fn update(digest: &mut Sha256, cell: ValueRef<'_>) {
    let mut long = |kind: u8, bytes: &[u8]| {
        digest.update([kind]);
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    match cell {
        ValueRef::Null => long(0, &[]),
        ValueRef::Integer(number) => long(1, &number.to_be_bytes()),
        // No column holds one; a forged one has a hash of its own all the same.
        ValueRef::Real(number) => long(2, &number.to_bits().to_be_bytes()),
        ValueRef::Text(text) => long(3, text),
        ValueRef::Blob(bytes) => long(4, bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_reads_back() {
        let hash = genesis("a");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_ne!(hash, genesis("b"));
        assert_eq!("00".parse::<Hash>(), Err(BadHash));
        assert_eq!("é".repeat(32).parse::<Hash>(), Err(BadHash));
    }

    #[test]
    fn what_moves_to_the_next_column_changes_the_hash() {
        let hash = |a: &str, b: &str| {
            let cells = [ValueRef::Text(a.as_bytes()), ValueRef::Text(b.as_bytes())];
            row_hash(&cells, ValueRef::Null)
        };
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        let empty = row_hash(&[ValueRef::Text(b"")], ValueRef::Null);
        assert_ne!(empty, row_hash(&[ValueRef::Null], ValueRef::Null));
        assert_ne!(empty, row_hash(&[ValueRef::Blob(b"")], ValueRef::Null));
    }

    proptest! {
        #[test]
        fn different_rows_have_different_hashes(a: Vec<Option<String>>, b: Vec<Option<String>>) {
            let hash = |cells: &[Option<String>]| {
                let cells: Vec<_> = cells
                    .iter()
                    .map(|cell| match cell {
                        Some(text) => ValueRef::Text(text.as_bytes()),
                        None => ValueRef::Null,
                    })
                    .collect();
                row_hash(&cells, ValueRef::Blob(&[0; 32]))
            };
            prop_assert_eq!(hash(&a) == hash(&b), a == b);
        }
    }
}
