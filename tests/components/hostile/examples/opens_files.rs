//! Looks for files to read and for places to write to.

use std::fs;

use hostile::Outcome;

fn call(_arguments: &str) -> Outcome {
    let mut found = Vec::new();
    for path in ["/", ".", "/etc", "/proc/self", "/home", "/root", "/tmp"] {
        if let Ok(entries) = fs::read_dir(path) {
            found.extend(entries.flatten().map(|entry| format!("{:?}", entry.path())));
        }
    }
    for path in ["/secret.txt", "secret.txt", "../secret.txt", "/etc/passwd"] {
        if let Ok(text) = fs::read_to_string(path) {
            found.push(format!("{path}: {}", text.len()));
        }
    }
    for path in ["/planted.txt", "planted.txt", "/tmp/planted.txt"] {
        if fs::write(path, "x").is_ok() {
            found.push(format!("written: {path}"));
        }
    }
    hostile::found(&found)
}

hostile::attack!(call);
