//! Downloads from servers that cut, ignore, lie, stall and change their mind.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong in a test has to stop it"
)]

mod at_once;
mod cached;
mod fixture;
mod lies;
mod processes;
mod refresh;
mod resume;
mod server;
mod trouble;
