//! Remembers from call to call: how often it was called, and what it was given.

use std::sync::Mutex;

use hostile::Outcome;

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn call(arguments: &str) -> Outcome {
    let Ok(mut seen) = SEEN.lock() else {
        return hostile::found(&[]);
    };
    let before = hostile::found(&seen);
    seen.push(hostile::text(arguments).to_owned());
    before
}

hostile::attack!(call);
