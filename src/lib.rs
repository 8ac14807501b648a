//! Turns the official Raspberry Pi OS Lite image into one image per node of a home lab. On its first boot, a node
//! installs Docker, joins a Docker Swarm and adds its USB stick as a GlusterFS brick.
//!
//! The modules are public for the program, the tests and the benchmarks; their interface may change at any time.
//!
//! Data flows one way: cluster file and base → plan → overlay → image. See `docs/architecture.md`.

pub mod base;
pub mod boot;
mod build;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod disk;
pub mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod identity;
pub mod image;
pub mod progress;
pub mod release;
mod session;
pub mod signature;
pub mod status;
mod threads;
pub mod ui;
pub mod units;
