//! Sleeps in the host for as many milliseconds as it is told, and does not ask
//! whether somebody still waits for it.

use std::thread::sleep;
use std::time::Duration;

use hostile::Outcome;

fn call(arguments: &str) -> Outcome {
    sleep(Duration::from_millis(hostile::number(arguments)));
    hostile::answer(r#"{"waited":true}"#)
}

hostile::attack!(call);
