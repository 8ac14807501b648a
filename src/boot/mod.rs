//! Renders a node's boot partition: a pure function of the cluster, the node, its identity and the base.

mod bundle;
mod cmdline;
mod config_txt;
pub mod expected;
pub mod facts;
pub mod mechanism;
pub(crate) mod network;
pub mod overlay;
pub mod plan;
pub mod render;
pub mod settings;
#[cfg(test)]
pub(crate) mod testing;
pub mod user_files;
mod yaml;
