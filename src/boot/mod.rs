//! What a node's boot partition gets: a pure function of the cluster, the node, its identity and what the base is.

mod bundle;
mod cloud_init;
mod cmdline;
mod config_txt;
mod facts;
mod mechanism;
mod network_config;
pub mod overlay;
mod plan;
mod refusal;
mod settings;
#[cfg(test)]
mod testing;
pub mod user_files;
mod wifi;

pub use cmdline::Cmdline;
pub use facts::BootFacts;
pub use mechanism::{BootFiles, BootMount, Date, Mechanism, Release, Userland};
pub use plan::{Plan, render};
pub use refusal::Refusal;
