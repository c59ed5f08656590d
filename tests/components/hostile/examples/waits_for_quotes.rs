//! Subscribes to quotes and waits for them for ever; that the stream is at its
//! end is nothing to it.

use hostile::Outcome;
use hostile::broker::market_data::subscribe;

fn call(_arguments: &str) -> Outcome {
    match subscribe(&hostile::stock("SPY")) {
        Ok(stream) => loop {
            drop(stream.next(u32::MAX));
        },
        Err(error) => hostile::refused(error),
    }
}

hostile::attack!(call);
