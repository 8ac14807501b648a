//! Image files: containers, partitions, the boot partition's file system, and writing the result.
//! Knows nothing about clusters.

pub mod apply;
pub mod assemble;
pub mod compare;
pub mod container;
mod digests;
pub mod edits;
pub mod fat;
pub mod page_cache;
pub mod partition;
pub mod raw_image;
pub mod xz;

/// Remedy for an image that has changed since it was built.
pub const BUILD_AGAIN: &str = "build the image again; booting or editing it changes it";
