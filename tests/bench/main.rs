//! `just bench`.
fn main() {}
