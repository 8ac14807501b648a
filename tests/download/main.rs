//! Bases from the network, served by a server on loopback that misbehaves as told, and bases from local files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong in a test has to stop it"
)]

mod bad_servers;
mod cache;
mod concurrent;
mod fixture;
mod local_files;
mod processes;
mod refresh;
mod resume;
mod unreachable;
