//! `--chaos SEED[:PROFILE]`: trouble on purpose, from a seed.

use std::str::FromStr;

use sandpit_simulator::Profile;

/// How many steps of the market the trouble lasts: an hour at four a second.
const STEPS: u64 = 14_400;

/// Trouble that a seed decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeededChaos {
    /// The seed: the same gives the same trouble.
    pub seed: u64,
    /// What kinds of trouble.
    pub profile: Profile,
}

impl FromStr for SeededChaos {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (seed, profile) = match text.split_once(':') {
            None => (text, "everything"),
            Some(parts) => parts,
        };
        let profile = match profile {
            "everything" => Profile::everything(STEPS),
            "trading" => Profile::trading(STEPS),
            "nights" => Profile::nights(STEPS, STEPS / 10),
            other => {
                return Err(format!(
                    "{other:?} is no profile; they are everything, trading and nights"
                ));
            }
        };
        let seed = seed
            .parse()
            .map_err(|_| format!("{seed:?} is no seed; write a whole number such as 7"))?;
        Ok(Self { seed, profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_may_have_a_profile() {
        let everything = "7".parse::<SeededChaos>();
        assert_eq!(everything, "7:everything".parse());
        assert_ne!(everything, "7:trading".parse());
        assert!(everything.is_ok_and(|chaos| chaos.seed == 7));
        for (wrong, word) in [("", "seed"), ("x:nights", "seed"), ("7:days", "nights")] {
            let error = wrong.parse::<SeededChaos>();
            assert!(error.is_err_and(|error| error.contains(word)), "{wrong}");
        }
    }
}
