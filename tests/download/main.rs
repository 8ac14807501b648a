//! Tests of bases from the network, served by a misbehaving server on loopback, and of bases from local files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod bad_servers;
mod cache;
mod concurrent;
mod fixture;
mod local_files;
mod processes;
mod refresh;
mod resume;
mod signed;
mod unreachable;
mod unsound_signatures;
