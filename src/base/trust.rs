//! The reason to trust a base.

use std::fmt;

use crate::signature::Fingerprint;

/// The reason to trust a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its hash is built into the program.
    BuiltInHash,
    /// The publisher has signed it, with the key of that fingerprint.
    Signature(Fingerprint),
    /// It has the hash that the user gave.
    GivenHash,
    /// Its hash comes from the publisher's server. There is no signature, and it does not need one: the user allowed that, or
    /// it is a local file.
    PublishedHash,
    /// It is the sample, which this program has just created.
    Sample,
    /// Its hash is unknown, but it was decoded in full before without errors.
    DecodedBefore,
    /// Its hash is unknown. It must be decoded in full before it is used.
    Unknown,
}

impl Trust {
    /// Returns the word for it in JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Self::BuiltInHash => "built-in-hash",
            Self::Signature(_) => "signature",
            Self::GivenHash => "given-hash",
            Self::PublishedHash => "published-hash",
            Self::Sample => "sample",
            Self::DecodedBefore | Self::Unknown => "nothing",
        }
    }

    /// Returns the key that it was signed with.
    pub fn key(self) -> Option<Fingerprint> {
        match self {
            Self::Signature(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Trust {
    /// Writes what follows "vouched for by".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltInHash => f.write_str("a hash built into mkimage"),
            Self::Signature(key) => write!(f, "the publisher's signature (key {key})"),
            Self::GivenHash => f.write_str("the hash given with --sha256"),
            Self::PublishedHash => f.write_str("a hash from the publisher's server, without a signature"),
            Self::Sample => f.write_str("mkimage, which has just created it"),
            Self::DecodedBefore | Self::Unknown => {
                f.write_str("nothing (it has no known hash, and no signature lies beside it)")
            }
        }
    }
}
