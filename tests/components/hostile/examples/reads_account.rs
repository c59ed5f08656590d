//! Reads the profit of an account by its name; without a name, the positions
//! of all accounts.

use hostile::Outcome;
use hostile::broker::account;

fn call(arguments: &str) -> Outcome {
    match hostile::text(arguments) {
        "" => match account::positions() {
            Ok(positions) => {
                let mut accounts: Vec<_> = positions.into_iter().map(|of| of.account).collect();
                accounts.sort_unstable();
                accounts.dedup();
                hostile::found(&accounts)
            }
            Err(error) => hostile::refused(error),
        },
        name => match account::pnl(Some(name)) {
            Ok(_) => hostile::found(&[name.to_owned()]),
            Err(error) => hostile::refused(error),
        },
    }
}

hostile::attack!(call);
