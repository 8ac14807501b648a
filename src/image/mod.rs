//! Image files: containers, partitions, the boot partition's file system, and writing the result.
//! Knows nothing of clusters.

pub mod edits;
pub mod read_at;
pub mod xz;
