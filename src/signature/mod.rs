//! Checks whether a file is signed by its publisher: OpenPGP (RFC 9580), detached, version 4, RSA with 2048 bits, SHA-512.
//!
//! Only the part of OpenPGP that the publisher of Raspberry Pi OS uses is read: one key, whose numbers are compiled in, no
//! key files, no sub-keys, no choice of digests. Nothing here opens a file or uses the network.

mod detached;
mod key;
mod packet;

pub use detached::{Content, Detached, LARGEST, Rejection};
pub use key::{Fingerprint, PublisherKey};
