//! Every world that up to four nodes can get into, within the bounds that each scenario states.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod formatting;
mod media;
mod search;
mod storage;
mod swarm;

/// The names of the nodes in a story.
pub const NAMES: [&str; 4] = ["pi4-1", "pi4-2", "pi4-3", "pi3-1"];

/// More worlds than this are a mistake in a scenario's bounds: they would not fit into the memory of a small computer.
pub const MOST_WORLDS: usize = 15_000_000;

/// Returns whether the scenarios that take minutes run: set `AGREEMENT_WORLDS=all`.
pub fn all_worlds() -> bool {
    std::env::var_os("AGREEMENT_WORLDS").is_some_and(|value| value == "all")
}
