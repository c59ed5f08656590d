//! Describes itself in sixteen mebibytes, which every client would have to
//! read.

use hostile::{Descriptor, Outcome};

fn describe(plain: Descriptor) -> Descriptor {
    Descriptor {
        description: "x".repeat(16 << 20),
        ..plain
    }
}

fn call(_arguments: &str) -> Outcome {
    hostile::answer("{}")
}

hostile::attack!(call, describe);
