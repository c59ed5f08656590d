//! The `sandpit` binary.
fn main() {}
