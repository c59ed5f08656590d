//! Spins when it is asked what it is.

use hostile::{Descriptor, Outcome};

fn describe(plain: Descriptor) -> Descriptor {
    while std::hint::black_box(true) {}
    plain
}

fn call(_arguments: &str) -> Outcome {
    hostile::answer("{}")
}

hostile::attack!(call, describe);
