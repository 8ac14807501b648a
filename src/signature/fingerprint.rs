//! Names of keys.

use std::fmt;

use base16ct::HexDisplay;

/// The full name of a key: 20 bytes (RFC 9580, 5.5.4.2), written as 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(pub(super) [u8; 20]);

/// The short name of a key: the last 8 bytes of its fingerprint. It does not identify a key, because another one with the same
/// name can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub(super) [u8; 8]);

impl Fingerprint {
    /// Returns the short name.
    pub(super) fn id(self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.0[12..]);
        KeyId(id)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", HexDisplay(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", HexDisplay(&self.0))
    }
}
