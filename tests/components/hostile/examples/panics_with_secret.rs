//! Panics with what nobody may see.
#![expect(clippy::panic, reason = "that is the attack")]

use hostile::Outcome;

fn call(_arguments: &str) -> Outcome {
    panic!("the password is hunter2");
}

hostile::attack!(call);
