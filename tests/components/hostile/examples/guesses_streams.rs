//! Reads from the quote stream of a number that was never given to it.
#![expect(
    unsafe_code,
    reason = "a handle is a number, and a hostile guest needs no SDK to make one up"
)]

use hostile::Outcome;
use hostile::broker::market_data::QuoteStream;

fn call(arguments: &str) -> Outcome {
    let handle = u32::try_from(hostile::number(arguments)).unwrap_or(0);
    // SAFETY: whether the number is that of a handle is for the host to decide.
    let guessed = unsafe { QuoteStream::from_handle(handle) };
    match guessed.next(100) {
        Ok(_) => hostile::answer(r#"{"read":true}"#),
        Err(error) => hostile::refused(error),
    }
}

hostile::attack!(call);
