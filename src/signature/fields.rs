//! What a signature packet says (RFC 9580, 5.2.3), before it is known to be true.

use super::bytes::Bytes;
use super::fingerprint::{Fingerprint, KeyId};

/// The version of the publisher's signatures, and the only one that is read.
const VERSION: u8 = 4;

/// What a signature is of (RFC 9580, 5.2.1).
pub(super) mod kind {
    use std::ops::RangeInclusive;

    /// A file, byte by byte.
    pub(in super::super) const FILE: u8 = 0x00;
    /// A key and one of its user ids, with four degrees of certainty.
    pub(in super::super) const USER_ID: RangeInclusive<u8> = 0x10..=0x13;
    /// A key alone.
    pub(in super::super) const KEY: u8 = 0x1f;
    /// A key that must not be used any more.
    pub(in super::super) const KEY_REVOCATION: u8 = 0x20;
}

/// Types of sub-packets (RFC 9580, 5.2.3.7).
mod subpacket {
    pub(super) const MADE: u8 = 2;
    pub(super) const EXPIRES_AFTER: u8 = 3;
    pub(super) const KEY_EXPIRES_AFTER: u8 = 9;
    pub(super) const ISSUER: u8 = 16;
    pub(super) const KEY_FLAGS: u8 = 27;
    pub(super) const ISSUER_FINGERPRINT: u8 = 33;
}

/// A signature packet of version 4.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    /// What it is of, as in [`kind`].
    pub(super) kind: u8,
    /// The kind of key that made it (RFC 9580, 9.1).
    pub(super) key_algorithm: u8,
    /// The kind of digest that was signed (RFC 9580, 9.5).
    pub(super) hash_algorithm: u8,
    /// The part of the packet that is signed too.
    pub(super) signed_part: &'a [u8],
    signed: Vec<Subpacket<'a>>,
    unsigned: Vec<Subpacket<'a>>,
    /// The first two bytes of the digest.
    pub(super) digest_start: [u8; 2],
    /// The signature itself, in the form of its key's algorithm.
    pub(super) value: Bytes<'a>,
}

/// The packet is cut off, or contradicts itself.
#[derive(Debug)]
pub(super) struct Damaged;

#[derive(Debug, Clone, Copy)]
struct Subpacket<'a> {
    is_critical: bool,
    kind: u8,
    body: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the body of a signature packet. Returns nothing for one of another version.
    pub(super) fn read(body: &'a [u8]) -> Result<Option<Self>, Damaged> {
        match body.first() {
            Some(&VERSION) => Self::read_this_version(body).ok_or(Damaged).map(Some),
            Some(_) => Ok(None),
            None => Err(Damaged),
        }
    }

    fn read_this_version(body: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(body);
        let _version = bytes.byte()?;
        let (kind, key_algorithm, hash_algorithm) = (bytes.byte()?, bytes.byte()?, bytes.byte()?);
        let signed = subpackets(bytes.counted()?)?;
        let signed_part = body.get(..body.len().checked_sub(bytes.0.len())?)?;
        let unsigned = subpackets(bytes.counted()?)?;
        let fields = Self {
            kind,
            key_algorithm,
            hash_algorithm,
            signed_part,
            signed,
            unsigned,
            digest_start: bytes.array()?,
            value: bytes,
        };
        fields.is_sound().then_some(fields)
    }

    /// Returns what is hashed after the signed bytes (RFC 9580, 5.2.4).
    pub(super) fn trailer(&self) -> Vec<u8> {
        // The signed part's sub-packets have their length in two bytes, so it fits into four.
        let length = u32::try_from(self.signed_part.len()).unwrap_or(u32::MAX);
        [self.signed_part, &[VERSION, 0xff], &length.to_be_bytes()].concat()
    }

    /// Whether no fact that the signature relies on is given twice, or in the wrong size.
    fn is_sound(&self) -> bool {
        let once = [
            (subpacket::MADE, 4),
            (subpacket::EXPIRES_AFTER, 4),
            (subpacket::KEY_EXPIRES_AFTER, 4),
            (subpacket::ISSUER, 8),
            (subpacket::ISSUER_FINGERPRINT, 21),
        ];
        once.iter().all(|(kind, size)| {
            let mut bodies = self.signed.iter().filter(|part| part.kind == *kind);
            bodies.next().is_none_or(|part| part.body.len() == *size) && bodies.next().is_none()
        })
    }

    /// Returns the type of a sub-packet that is marked as critical and that [`super::detached`] does not look at.
    pub(super) fn not_understood(&self) -> Option<u8> {
        let understood = [
            subpacket::MADE,
            subpacket::EXPIRES_AFTER,
            subpacket::ISSUER,
            subpacket::ISSUER_FINGERPRINT,
        ];
        let mut all = self.signed.iter().chain(&self.unsigned);
        all.find(|part| part.is_critical && !understood.contains(&part.kind))
            .map(|part| part.kind)
    }

    /// When it was made, in seconds since 1970.
    pub(super) fn made(&self) -> Option<u32> {
        self.seconds(subpacket::MADE)
    }

    /// How many seconds after it was made it expires, if it does.
    pub(super) fn expires_after(&self) -> Option<u32> {
        self.seconds(subpacket::EXPIRES_AFTER).filter(|after| *after > 0)
    }

    /// How many seconds after it was made the signed key expires, if it does.
    pub(super) fn key_expires_after(&self) -> Option<u32> {
        self.seconds(subpacket::KEY_EXPIRES_AFTER)
            .filter(|after| *after > 0)
    }

    /// What the signed key may be used for (RFC 9580, 5.2.3.29).
    pub(super) fn key_flags(&self) -> Option<u8> {
        self.signed(subpacket::KEY_FLAGS)?.first().copied()
    }

    /// The fingerprint of the key that made it, where the signed part has it.
    pub(super) fn signed_fingerprint(&self) -> Option<Fingerprint> {
        fingerprint(self.signed(subpacket::ISSUER_FINGERPRINT)?)
    }

    /// The keys that it claims to be made with: one, unless it contradicts itself.
    pub(super) fn issuers(&self) -> Vec<KeyId> {
        let all = self.signed.iter().chain(&self.unsigned);
        let mut ids: Vec<_> = all
            .filter_map(|part| match part.kind {
                subpacket::ISSUER => part.body.try_into().ok().map(KeyId),
                subpacket::ISSUER_FINGERPRINT => fingerprint(part.body).map(Fingerprint::id),
                _ => None,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn seconds(&self, kind: u8) -> Option<u32> {
        Bytes(self.signed(kind)?).u32()
    }

    /// Returns the body of a sub-packet in the signed part. Anyone can change the unsigned part.
    fn signed(&self, kind: u8) -> Option<&'a [u8]> {
        self.signed
            .iter()
            .find(|part| part.kind == kind)
            .map(|part| part.body)
    }
}

/// The key's version comes first (RFC 9580, 5.2.3.35).
fn fingerprint(body: &[u8]) -> Option<Fingerprint> {
    match body {
        [VERSION, fingerprint @ ..] => fingerprint.try_into().ok().map(Fingerprint),
        _ => None,
    }
}

/// Reads a row of sub-packets (RFC 9580, 5.2.3.7).
fn subpackets(bytes: &[u8]) -> Option<Vec<Subpacket<'_>>> {
    let mut bytes = Bytes(bytes);
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.length(255)?;
        let mut subpacket = Bytes(bytes.take(length)?);
        let kind = subpacket.byte()?;
        found.push(Subpacket {
            is_critical: kind & 0x80 != 0,
            kind: kind & 0x7f,
            body: subpacket.0,
        });
    }
    Some(found)
}
