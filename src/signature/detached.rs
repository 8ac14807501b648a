//! Signatures that lie in a file beside the signed one.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha512};

use super::armor;
use super::fields::{Damaged, Fields, kind};
use super::fingerprint::KeyId;
use super::key::{PublisherKey, RSA};
use super::packet::{packets, tag};
use super::rejection::Rejection;
use super::rsa::Digest;

/// Bytes that a file of signatures has at most. One signature has about 600, as text.
pub const LARGEST: u64 = 64 << 10;

/// SHA-512 (RFC 9580, 9.5): the one digest that the publisher uses.
const SHA512: u8 = 10;

/// The digest of a file's bytes so far. Any number of signatures can be checked against it.
#[derive(Debug, Clone, Default)]
pub struct Content(Sha512);

impl Content {
    /// `bytes` come next.
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
    /// What is hashed after the file.
    trailer: Vec<u8>,
    /// The first two bytes of the digest.
    digest_start: [u8; 2],
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
        let binary = armor::to_binary(file, "PGP SIGNATURE").map_err(Rejection::Malformed)?;
        let packets = packets(&binary).ok_or(Rejection::Malformed("it does not consist of packets"))?;
        let mut signatures = Vec::new();
        let mut others = Vec::new();
        for packet in packets {
            if packet.tag != tag::SIGNATURE {
                return Err(Rejection::Malformed(
                    "there is something else in it than signatures",
                ));
            }
            let fields = Fields::read(packet.body)
                .map_err(|Damaged| Rejection::Malformed("a signature in it is damaged"))?;
            // Keys of version 4 make signatures of version 4.
            let Some(fields) = fields else {
                continue;
            };
            let issuers = fields.issuers();
            if issuers.is_empty() || issuers.contains(&key.fingerprint.id()) {
                signatures.push(judge(&fields, key, now)?);
            } else {
                others.extend(issuers);
            }
        }
        if signatures.is_empty() {
            return Err(other_key(others, key));
        }
        Ok(Self { key, signatures })
    }

    /// Checks that every one of the signatures is a signature of `content`.
    pub fn verify(&self, content: &Content) -> Result<(), Rejection> {
        let is_of_content = |signature: &Signature| {
            let digest = content.0.clone().chain_update(&signature.trailer).finalize();
            digest.starts_with(&signature.digest_start)
                && self
                    .key
                    .rsa
                    .verifies(&Digest::Sha512(digest.into()), &signature.value)
        };
        if self.signatures.iter().all(is_of_content) {
            return Ok(());
        }
        Err(Rejection::OtherFile)
    }
}

fn other_key(found: Vec<KeyId>, key: &PublisherKey) -> Rejection {
    Rejection::OtherKey {
        found,
        wanted: key.fingerprint,
    }
}

/// Checks a signature that claims to be made with `key`, except whether it is one of the file.
fn judge(fields: &Fields, key: &PublisherKey, now: u64) -> Result<Signature, Rejection> {
    if fields.issuers().len() > 1 {
        return Err(Rejection::Malformed("it names more than one key as its maker"));
    }
    if let Some(other) = fields
        .signed_fingerprint()
        .filter(|named| *named != key.fingerprint)
    {
        return Err(other_key(vec![other.id()], key));
    }
    if fields.kind != kind::FILE {
        return Err(Rejection::OtherKind(fields.kind));
    }
    if fields.key_algorithm != RSA {
        return Err(Rejection::OtherAlgorithm(fields.key_algorithm));
    }
    if fields.hash_algorithm != SHA512 {
        return Err(Rejection::OtherHash(fields.hash_algorithm));
    }
    if let Some(kind) = fields.not_understood() {
        return Err(Rejection::NotUnderstood(kind));
    }
    judge_times(fields, key, now)?;
    if key.is_revoked {
        return Err(Rejection::KeyRevoked);
    }
    let mut rest = fields.value;
    let value = rest.integer().filter(|_| rest.is_empty());
    let value = value.ok_or(Rejection::Malformed("a signature in it is damaged"))?;
    Ok(Signature {
        trailer: fields.trailer(),
        digest_start: fields.digest_start,
        value: value.to_vec(),
    })
}

fn judge_times(fields: &Fields, key: &PublisherKey, now: u64) -> Result<(), Rejection> {
    let made = u64::from(fields.made().ok_or(Rejection::Undated)?);
    if made < u64::from(key.made) {
        let key = key.made.into();
        return Err(Rejection::OlderThanKey { made, key });
    }
    if let Some(expired) = key.expires.filter(|expires| *expires <= made) {
        return Err(Rejection::MadeWithExpiredKey { made, expired });
    }
    if made > now {
        return Err(Rejection::FromTheFuture { made, now });
    }
    if let Some(expired) = fields
        .expires_after()
        .map(|after| made + u64::from(after))
        .filter(|end| *end <= now)
    {
        return Err(Rejection::Expired { expired, now });
    }
    // This includes signatures made in time: a signature made with a stolen key can be dated back.
    if let Some(expired) = key.expires.filter(|expires| *expires <= now) {
        return Err(Rejection::KeyExpired { expired, now });
    }
    Ok(())
}
