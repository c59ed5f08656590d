//! Looks for environment variables, arguments and the working folder.

use hostile::Outcome;

fn call(_arguments: &str) -> Outcome {
    let mut found: Vec<_> = std::env::vars()
        .map(|(name, _)| format!("variable: {name}"))
        .collect();
    found.extend(std::env::args().map(|argument| format!("argument: {argument}")));
    let mut line = String::new();
    if std::io::stdin()
        .read_line(&mut line)
        .is_ok_and(|read| read > 0)
    {
        found.push(format!("standard input: {line}"));
    }
    hostile::found(&found)
}

hostile::attack!(call);
