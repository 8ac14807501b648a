//! The `mkimage` program.

fn main() {}
