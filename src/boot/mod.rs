//! What a node's boot partition gets: a pure function of the cluster, the node, its identity and what the base is.

mod bundle;
mod cmdline;
mod config_txt;
pub mod expected;
pub mod facts;
pub mod mechanism;
mod network;
mod nodes;
pub mod overlay;
pub mod plan;
pub mod render;
pub mod settings;
#[cfg(test)]
mod testing;
pub mod user_files;
mod yaml;
