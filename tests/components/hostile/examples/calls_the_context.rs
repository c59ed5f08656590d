//! Calls what costs the host nothing, for ever: it is never long enough in its
//! own code to be seen spinning.

use hostile::{Outcome, context};

fn call(_arguments: &str) -> Outcome {
    loop {
        context::remaining_ms();
        context::cancelled();
    }
}

hostile::attack!(call);
