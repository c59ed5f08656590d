//! Takes a handle of the host and tells its number; given a number, uses the
//! handle that was never given to it.
#![expect(
    unsafe_code,
    reason = "a handle is a number, and a hostile guest needs no SDK to make one up"
)]

use hostile::Outcome;
use hostile::wasi::wasi::clocks::monotonic_clock::{Pollable, subscribe_duration};

fn call(arguments: &str) -> Outcome {
    let handle = match hostile::number(arguments) {
        0 => subscribe_duration(u64::MAX).take_handle(),
        number => {
            // SAFETY: whether the number is that of a handle is for the host
            // to decide.
            let guessed = unsafe { Pollable::from_handle(u32::try_from(number).unwrap_or(0)) };
            guessed.ready();
            guessed.take_handle()
        }
    };
    hostile::answer(format!(r#"{{"handle":{handle}}}"#))
}

hostile::attack!(call);
