//! Hiding who someone is in what they send us.

use bytes::Bytes;

/// What a recorder hides. Each thing is replaced by a stand-in of the same length wherever its
/// bytes occur, on the tape only: what is passed on stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Masking {
    /// Whether account ids are hidden, from the moment in which TWS names them.
    pub accounts: bool,
    /// What else is hidden, such as a name or an order reference; at least four bytes each.
    pub words: Vec<String>,
}

impl Default for Masking {
    /// Hides account ids.
    fn default() -> Self {
        Self {
            accounts: true,
            words: Vec::new(),
        }
    }
}

impl Masking {
    /// Hides nothing.
    pub fn nothing() -> Self {
        Self {
            accounts: false,
            words: Vec::new(),
        }
    }
}

/// Shorter words occur in frames by chance.
const SHORTEST: usize = 4;

/// The words that are hidden, and their stand-ins.
#[derive(Debug)]
pub(super) struct Mask {
    accounts: bool,
    known: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Mask {
    pub(super) fn new(masking: &Masking) -> Self {
        let mut mask = Self {
            accounts: masking.accounts,
            known: Vec::new(),
        };
        for word in &masking.words {
            mask.add(word, "x".repeat(word.len()));
        }
        mask
    }

    /// Learns the accounts that TWS names, comma-separated.
    pub(super) fn learn(&mut self, accounts: &str) {
        if !self.accounts {
            return;
        }
        for account in accounts.split(',') {
            // The letters say what kind of account it is: D is paper.
            let letters = account
                .bytes()
                .take(2)
                .take_while(u8::is_ascii_uppercase)
                .count();
            let prefix = account.get(..letters).unwrap_or_default();
            let number = format!(
                "{:0width$}",
                self.known.len() + 1,
                width = account.len() - letters
            );
            self.add(account, format!("{prefix}{number}"));
        }
    }

    fn add(&mut self, word: &str, stand_in: String) {
        let is_known = self.known.iter().any(|(known, _)| known == word.as_bytes());
        if is_known || word.len() < SHORTEST || stand_in.len() != word.len() {
            return;
        }
        self.known
            .push((word.as_bytes().to_owned(), stand_in.into_bytes()));
        // A longer word may contain a shorter one.
        self.known
            .sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
    }

    /// The bytes with every hidden word replaced.
    pub(super) fn hide(&self, bytes: &Bytes) -> Bytes {
        let mut hidden = bytes.to_vec();
        for (word, stand_in) in &self.known {
            let mut from = 0;
            while let Some(place) = hidden
                .get(from..)
                .and_then(|rest| rest.windows(word.len()).position(|part| part == word))
            {
                let place = from + place;
                if let Some(part) = hidden.get_mut(place..place + word.len()) {
                    part.copy_from_slice(stand_in);
                }
                from = place + word.len();
            }
        }
        Bytes::from(hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_by_as_many_bytes() {
        let mut mask = Mask::new(&Masking {
            words: vec![String::from("secret"), String::from("abc")],
            ..Masking::default()
        });
        mask.learn("DU7654321,U99999,F1");
        mask.learn("DU7654321");
        let hide = |text: &'static str| mask.hide(&Bytes::from_static(text.as_bytes()));
        assert_eq!(
            &hide("\0DU7654321\0DU76543210")[..],
            b"\0DU0000002\0DU00000020"
        );
        assert_eq!(&hide("U99999 F1 secret-abc")[..], b"U00003 F1 xxxxxx-abc");
    }

    #[test]
    fn nothing_is_hidden_unless_it_is_wanted() {
        let mut mask = Mask::new(&Masking::nothing());
        mask.learn("DU7654321");
        assert_eq!(
            &mask.hide(&Bytes::from_static(b"DU7654321"))[..],
            b"DU7654321"
        );
    }
}
