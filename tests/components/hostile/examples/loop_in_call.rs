//! Spins in a call, and never calls the host.

use hostile::Outcome;

fn call(_arguments: &str) -> Outcome {
    loop {
        std::hint::black_box(());
    }
}

hostile::attack!(call);
