//! Sends an event whose JSON is nested as deep as it is told.

use hostile::{Descriptor, Outcome, context};

fn describe(plain: Descriptor) -> Descriptor {
    Descriptor {
        streaming: true,
        ..plain
    }
}

fn call(arguments: &str) -> Outcome {
    let depth = usize::try_from(hostile::number(arguments)).unwrap_or(usize::MAX);
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    context::emit("deep", &format!("{open}{close}"));
    hostile::answer(r#"{"sent":true}"#)
}

hostile::attack!(call, describe);
