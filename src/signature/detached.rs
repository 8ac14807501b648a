//! Signatures that lie in a file beside the signed one, and the reasons to reject them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha512};

use super::key::{Fingerprint, PublisherKey};
use super::packet::{Fields, SIGNATURE, Subpacket, VERSION, packet, to_binary};

/// Bytes that a file of signatures has at most. One signature has about 600, as text.
pub const LARGEST: u64 = 64 << 10;

/// A signature of a file, byte by byte (RFC 9580, 5.2.1).
const OF_A_FILE: u8 = 0x00;

/// RSA for signing and encryption (RFC 9580, 9.1).
const RSA: u8 = 1;

/// SHA-512 (RFC 9580, 9.5): the one digest that the publisher uses.
const SHA512: u8 = 10;

/// Types of sub-packets (RFC 9580, 5.2.3.7).
const MADE: u8 = 2;
const EXPIRES_AFTER: u8 = 3;
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

/// The sub-packets that are understood, with their sizes.
const UNDERSTOOD: [(u8, usize); 4] = [
    (MADE, 4),
    (EXPIRES_AFTER, 4),
    (ISSUER, 8),
    (ISSUER_FINGERPRINT, 21),
];

/// The digest of a file's bytes so far. Any number of signatures can be checked against it.
#[derive(Debug, Clone, Default)]
pub struct Content(Sha512);

impl Content {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// The publisher's signatures in a file of signatures. Everything about them was checked that can be checked without the
/// signed file.
#[derive(Debug, Clone)]
pub struct Detached<'a> {
    key: &'a PublisherKey,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone)]
struct Signature {
    /// The bytes that are hashed after the file (RFC 9580, 5.2.4).
    trailer: Vec<u8>,
    /// The first two bytes of the digest.
    digest_start: Vec<u8>,
    value: Vec<u8>,
}

impl<'a> Detached<'a> {
    /// Reads a file of signatures, as text or binary, and ignores those made with other keys. At least one must be made with
    /// `key`, and nothing may be wrong with any of those. `now` is the time by this computer's clock.
    pub fn read(file: &[u8], key: &'a PublisherKey, now: SystemTime) -> Result<Self, Rejection> {
        if file.len() as u64 > LARGEST {
            return Err(Rejection::Malformed("it is too large"));
        }
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let binary = to_binary(file).map_err(Rejection::Malformed)?;
        let mut rest = &*binary;
        let mut signatures = Vec::new();
        let mut others = Vec::new();
        while !rest.is_empty() {
            let body = match packet(&mut rest) {
                Some((SIGNATURE, body)) => body,
                Some(_) => {
                    return Err(Rejection::Malformed(
                        "there is something else in it than signatures",
                    ));
                }
                None => return Err(Rejection::Malformed("it does not consist of packets")),
            };
            // Keys of version 4 make signatures of version 4.
            if body.first().is_some_and(|version| *version != VERSION) {
                continue;
            }
            let fields = Fields::read(body).filter(is_sound).ok_or(DAMAGED)?;
            let issuers = issuers(&fields);
            if issuers.is_empty() || issuers.contains(&key.fingerprint.id()) {
                signatures.push(judge(&fields, &issuers, key, now)?);
            } else {
                others.extend(issuers);
            }
        }
        if signatures.is_empty() {
            return Err(other_key(&others, key));
        }
        Ok(Self { key, signatures })
    }

    /// Checks that every one of the signatures is a signature of `content`.
    pub fn verify(&self, content: &Content) -> Result<(), Rejection> {
        let is_of_content = |signature: &Signature| {
            let digest = content.0.clone().chain_update(&signature.trailer).finalize();
            digest.starts_with(&signature.digest_start) && self.key.verifies(&digest.into(), &signature.value)
        };
        if self.signatures.iter().all(is_of_content) {
            return Ok(());
        }
        Err(Rejection::OtherFile)
    }
}

const DAMAGED: Rejection = Rejection::Malformed("a signature in it is damaged");

fn other_key(found: &[u64], key: &PublisherKey) -> Rejection {
    let maker = match found {
        [] => "a key that it does not name".to_owned(),
        [one] => format!("the key {one:016X}"),
        [first, ..] => format!("the key {first:016X} and others"),
    };
    Rejection::OtherKey {
        maker,
        wanted: key.fingerprint,
    }
}

/// Returns `false` if a fact that the signature relies on is given twice, or in the wrong size.
fn is_sound(fields: &Fields) -> bool {
    UNDERSTOOD.iter().all(|(kind, size)| {
        let mut found = fields.signed.iter().filter(|part| part.kind == *kind);
        found.next().is_none_or(|part| part.body.len() == *size) && found.next().is_none()
    })
}

/// Returns the short names of the keys that it claims to be made with: one, unless it contradicts itself.
fn issuers(fields: &Fields) -> Vec<u64> {
    let mut ids: Vec<_> = fields
        .parts()
        .filter_map(|part| match part.kind {
            ISSUER => Some(u64::from_be_bytes(part.body.try_into().ok()?)),
            _ => Some(fingerprint(part)?.id()),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Returns the fingerprint in a sub-packet, after the key's version (RFC 9580, 5.2.3.35).
fn fingerprint(part: &Subpacket) -> Option<Fingerprint> {
    match part.body {
        [VERSION, name @ ..] if part.kind == ISSUER_FINGERPRINT => name.try_into().ok().map(Fingerprint),
        _ => None,
    }
}

/// Checks a signature that claims to be made with `key`, except whether it is one of the file.
fn judge(fields: &Fields, issuers: &[u64], key: &PublisherKey, now: u64) -> Result<Signature, Rejection> {
    if issuers.len() > 1 {
        return Err(Rejection::Malformed("it names more than one key as its maker"));
    }
    let named = fields.signed.iter().find_map(fingerprint);
    if let Some(other) = named.filter(|named| *named != key.fingerprint) {
        return Err(other_key(&[other.id()], key));
    }
    if fields.kind != OF_A_FILE {
        return Err(Rejection::OtherKind(fields.kind));
    }
    if fields.key_algorithm != RSA {
        return Err(Rejection::OtherAlgorithm(fields.key_algorithm));
    }
    if fields.hash_algorithm != SHA512 {
        return Err(Rejection::OtherHash(fields.hash_algorithm));
    }
    let is_unknown = |part: &&Subpacket| UNDERSTOOD.iter().all(|(kind, _)| *kind != part.kind);
    if let Some(part) = fields.parts().filter(|part| part.is_critical).find(is_unknown) {
        return Err(Rejection::NotUnderstood(part.kind));
    }
    judge_times(fields, key, now)?;
    let value = fields.number().ok_or(DAMAGED)?;
    let length = u32::try_from(fields.signed_part.len()).map_err(|_| DAMAGED)?;
    Ok(Signature {
        trailer: [fields.signed_part, &[VERSION, 0xff], &length.to_be_bytes()].concat(),
        digest_start: fields.digest_start.to_vec(),
        value: value.to_vec(),
    })
}

fn judge_times(fields: &Fields, key: &PublisherKey, now: u64) -> Result<(), Rejection> {
    let seconds = |kind| {
        let part = fields.signed.iter().find(|part| part.kind == kind)?;
        Some(u64::from(u32::from_be_bytes(part.body.try_into().ok()?)))
    };
    let made = seconds(MADE).ok_or(Rejection::Undated)?;
    if made < key.made {
        return Err(Rejection::OlderThanKey { made, key: key.made });
    }
    let expired = key.expires;
    if expired <= made {
        return Err(Rejection::MadeWithExpiredKey { made, expired });
    }
    if made > now {
        return Err(Rejection::FromTheFuture { made, now });
    }
    // Zero means never (RFC 9580, 5.2.3.18).
    let expires_after = seconds(EXPIRES_AFTER).filter(|after| *after > 0);
    if let Some(expired) = expires_after.map(|after| made + after).filter(|end| *end <= now) {
        return Err(Rejection::Expired { expired, now });
    }
    // This includes signatures made in time: a signature made with a stolen key can be dated back.
    if expired <= now {
        return Err(Rejection::KeyExpired { expired, now });
    }
    Ok(())
}

/// The reason why a signature does not vouch for a file, as a sentence about the signature. Times are in seconds since 1970; `now` is
/// what this computer's clock says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("it is not an OpenPGP signature: {0}")]
    Malformed(&'static str),
    #[error("it was made with {maker}, not with the publisher's key {wanted}")]
    OtherKey { maker: String, wanted: Fingerprint },
    /// It signs a text, a key or something else.
    #[error("it is not the signature of a file (its type is {0:#04x})")]
    OtherKind(u8),
    /// It is of a kind that the publisher's key cannot make.
    #[error("it is not an RSA signature (its algorithm has the number {0})")]
    OtherAlgorithm(u8),
    /// The digest is too weak, or one that the publisher does not use.
    #[error("it was made with {}, and only SHA-512 is accepted", hash(*.0))]
    OtherHash(u8),
    /// It must be refused by a program that does not understand all of it.
    #[error("it has a critical part that mkimage does not understand (sub-packet type {0})")]
    NotUnderstood(u8),
    #[error("it does not say when it was made")]
    Undated,
    #[error("it was made on {}, before its key, which is from {}", date(*.made), date(*.key))]
    OlderThanKey { made: u64, key: u64 },
    #[error("it was made on {}, after its key had expired on {}", date(*.made), date(*.expired))]
    MadeWithExpiredKey { made: u64, expired: u64 },
    /// Either it is dated ahead, or the clock is slow.
    #[error("it was made on {}, which is in the future by this computer's clock ({})", date(*.made), date(*.now))]
    FromTheFuture { made: u64, now: u64 },
    #[error("it expired on {}, and by this computer's clock it is {}", date(*.expired), date(*.now))]
    Expired { expired: u64, now: u64 },
    /// The key has expired by now, though not when the signature was made.
    #[error("its key expired on {}, and by this computer's clock it is {}", date(*.expired), date(*.now))]
    KeyExpired { expired: u64, now: u64 },
    #[error(
        "it does not match the file: the file or the signature was changed, or it is another file's signature"
    )]
    OtherFile,
}

impl Rejection {
    /// Returns what the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::FromTheFuture { .. } => "set this computer's clock and try again",
            Self::Expired { .. } | Self::KeyExpired { .. } => {
                "set this computer's clock if it is wrong; if it is right, use a newer mkimage or a newer image"
            }
            Self::MadeWithExpiredKey { .. } => "use a newer mkimage, which has the publisher's new key",
            _ => {
                "do not use this file; download the file and its signature again, from the publisher's own URL"
            }
        }
    }
}

/// Names of digests (RFC 9580, 9.5).
fn hash(algorithm: u8) -> String {
    match algorithm {
        1 => "MD5".to_owned(),
        2 => "SHA-1".to_owned(),
        3 => "RIPEMD-160".to_owned(),
        8 => "SHA-256".to_owned(),
        9 => "SHA-384".to_owned(),
        11 => "SHA-224".to_owned(),
        other => format!("digest number {other}"),
    }
}

/// A day and a time, as in `06 Nov 1994 08:49:37 GMT`.
fn date(seconds: u64) -> String {
    // A signature's times fit into four bytes; a clock's may be anything.
    let seconds = seconds.min(u32::MAX.into());
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    match date.split_once(", ") {
        Some((_weekday, date)) => date.to_owned(),
        None => date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_named_with_what_it_says() {
        let rejection = Rejection::FromTheFuture {
            made: 1_791_288_000,
            now: 784_111_777,
        };
        assert_eq!(
            rejection.to_string(),
            "it was made on 06 Oct 2026 12:00:00 GMT, which is in the future by this computer's clock (06 Nov 1994 \
             08:49:37 GMT)"
        );
        assert!(rejection.remedy().contains("clock"));
        assert_eq!(date(u64::MAX), "07 Feb 2106 06:28:15 GMT");
    }
}
