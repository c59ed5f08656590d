//! Writes as many lines as it is told to its log, and as many to its standard
//! output.

use hostile::Outcome;
use hostile::context::{Level, log};

fn call(arguments: &str) -> Outcome {
    let count = hostile::number(arguments);
    for number in 0..count {
        log(Level::Info, &format!("flood: logged {number}"));
        println!("flood: printed {number}");
    }
    hostile::answer(format!(r#"{{"lines":{count}}}"#))
}

hostile::attack!(call);
