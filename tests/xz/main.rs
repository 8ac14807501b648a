//! Tests of the xz container with the real `xz`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod container;
mod files;
mod splice;
