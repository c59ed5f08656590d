//! Opens as many quote streams as it is told, and closes none.

use std::mem::forget;

use hostile::Outcome;
use hostile::broker::market_data::subscribe;

fn call(arguments: &str) -> Outcome {
    for _ in 0..hostile::number(arguments) {
        match subscribe(&hostile::stock("SPY")) {
            Ok(stream) => forget(stream),
            Err(error) => return hostile::refused(error),
        }
    }
    hostile::answer(r#"{"leaked":true}"#)
}

hostile::attack!(call);
