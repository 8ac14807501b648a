//! The real program on images that the real tools made, judged by other programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what goes wrong in a test has to stop it"
)]

mod base;
mod bases_are_true;
mod beforehand;
mod cold;
mod containers;
mod damage;
mod damaged_xz;
mod eras;
mod interrupt;
mod judge;
mod login;
mod looking;
mod promises;
mod reflinks;
#[path = "../download/server.rs"]
#[allow(dead_code, reason = "the tests of downloads need more of it")]
mod server;
mod workplace;
