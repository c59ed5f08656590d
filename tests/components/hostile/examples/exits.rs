//! Asks for the end of the whole process.

use hostile::Outcome;

fn call(_arguments: &str) -> Outcome {
    std::process::exit(0)
}

hostile::attack!(call);
