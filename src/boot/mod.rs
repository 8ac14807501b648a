//! What a node's boot partition gets: a pure function of the cluster, the node, its identity and what the base is.

pub mod overlay;
