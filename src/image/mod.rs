//! Image files: containers, partitions, the boot partition's file system, and writing the result.
//! Knows nothing of clusters.

pub mod apply;
pub mod boot_partition;
pub mod build;
mod clone;
pub mod compare;
pub mod container;
mod digests;
pub mod early;
pub mod edits;
pub mod fat;
mod growing;
pub mod out_folder;
mod output;
pub mod page_cache;
pub mod partition;
pub mod prefix;
pub mod read_at;
pub mod scratch;
mod space;
mod sparse;
mod threads;
pub mod xz;
