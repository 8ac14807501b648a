//! Files and folders: positioned reads and writes, durable names, free space, sparse and shared blocks, and files that
//! are removed unless they are finished. Knows nothing about images.

pub mod clone;
pub mod growing;
pub mod output;
pub mod partial;
pub mod paths;
pub mod read_at;
pub mod room;
pub mod scratch;
pub mod sparse;
