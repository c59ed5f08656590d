//! Answers with JSON that is nested as deep as it is told.

use hostile::Outcome;

fn call(arguments: &str) -> Outcome {
    let depth = usize::try_from(hostile::number(arguments)).unwrap_or(usize::MAX);
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    hostile::answer(format!(r#"{{"deep":{open}{close}}}"#))
}

hostile::attack!(call);
