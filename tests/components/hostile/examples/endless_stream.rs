//! Sends events as fast as it can, and never stops.

use hostile::context::emit;
use hostile::{Descriptor, Outcome};

fn describe(plain: Descriptor) -> Descriptor {
    Descriptor {
        streaming: true,
        ..plain
    }
}

fn call(_arguments: &str) -> Outcome {
    let data = format!("\"{}\"", "x".repeat(32 << 10));
    loop {
        emit("tick", &data);
    }
}

hostile::attack!(call, describe);
