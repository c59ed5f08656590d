//! Answers with as many bytes as it is told.

use hostile::Outcome;

fn call(arguments: &str) -> Outcome {
    let bytes = usize::try_from(hostile::number(arguments)).unwrap_or(usize::MAX);
    hostile::answer(format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes)))
}

hostile::attack!(call);
