//! Takes as many mebibytes of memory as it is told, and uses them.

use hostile::Outcome;

fn call(arguments: &str) -> Outcome {
    let hoard: Vec<_> = (0..hostile::number(arguments))
        .map(|_| std::hint::black_box(vec![1_u8; 1 << 20]))
        .collect();
    hostile::answer(format!(r#"{{"mebibytes":{}}}"#, hoard.len()))
}

hostile::attack!(call);
