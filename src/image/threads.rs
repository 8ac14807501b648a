//! How many threads work at once.

use std::num::NonZero;

/// As many as the machine has cores for this process.
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
