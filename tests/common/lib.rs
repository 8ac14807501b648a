//! Code shared by several test programs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "in a test, a panic is the report"
)]

pub mod gnupg;
pub mod server;
pub mod xz;
