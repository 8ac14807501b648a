//! The real program on images that the real tools made, judged by other programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what goes wrong in a test has to stop it"
)]

mod base;
mod cli;
mod containers;
mod damaged_fat;
mod damaged_xz;
mod first_build;
mod inspect;
mod interrupt;
mod judge;
mod login;
mod preflight;
mod reflinks;
mod releases;
mod sample;
mod test_bases;
mod verify;
mod verify_own_files;
mod workplace;
