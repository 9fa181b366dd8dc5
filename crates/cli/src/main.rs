//! The `callsift` command.
fn main() {}
