//! The pipeline from a base and a cluster to images, as far as several commands share it.

pub(crate) mod base_choice;
pub(crate) mod look;
pub(crate) mod node_overlay;
pub(crate) mod obtain;
