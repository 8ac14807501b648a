//! Checks whether a file is signed by its publisher: OpenPGP (RFC 9580), detached, version 4, RSA with 2048 bits, SHA-512.
//!
//! Only the part of OpenPGP that the publisher of Raspberry Pi OS uses is read: one built-in key, no key ring, no trust in
//! other keys, no sub-keys, no choice of digests. Nothing here opens a file or uses the network.

mod armor;
mod bytes;
mod detached;
mod fields;
mod fingerprint;
mod key;
mod packet;
mod rejection;
mod rsa;

pub use detached::{Content, Detached, LARGEST};
pub use fingerprint::{Fingerprint, KeyId};
pub use key::{BadKey, PublisherKey};
pub use rejection::Rejection;
