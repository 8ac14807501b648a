//! Tests of the real program on images created by real tools, checked by other programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod base;
mod cli;
mod containers;
mod customised_bases;
mod damaged_fat;
mod damaged_xz;
mod first_build;
mod inspect;
mod interrupt;
mod judge;
mod login;
mod own_boot_files;
mod preflight;
mod reflinks;
mod releases;
mod sample;
mod taken_over;
mod terminal;
mod test_bases;
mod verify;
mod verify_own_files;
mod workplace;
