//! Asks the broker for the open orders, as often as it is told or for ever, and
//! does not take no for an answer.

use hostile::Outcome;
use hostile::broker::order_book;

fn call(arguments: &str) -> Outcome {
    let count = match hostile::number(arguments) {
        0 => u64::MAX,
        count => count,
    };
    let answered = (0..count)
        .filter(|_| order_book::open_orders().is_ok())
        .count();
    hostile::answer(format!(r#"{{"answered":{answered}}}"#))
}

hostile::attack!(call);
