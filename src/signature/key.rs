//! The publisher's key, and what it says of itself (RFC 9580, 10.1).

use super::armor;
use super::bytes::Bytes;
use super::fields::{Damaged, Fields, kind};
use super::fingerprint::Fingerprint;
use super::packet::{Packet, packets, tag};
use super::rsa::{Digest, PublicKey};
use crate::error::{Category, Context, Result};

/// "Raspberry Pi Downloads Signing Key", as the publisher has it at
/// `https://www.raspberrypi.org/raspberrypi_downloads.gpg.key`.
const RASPBERRY_PI: &[u8] = include_bytes!("../../images/raspberry-pi-signing-key.asc");

/// The version of key packets that is read.
const VERSION: u8 = 4;

/// RSA for signing and encryption (RFC 9580, 9.1).
pub(super) const RSA: u8 = 1;

/// The flag of keys that may sign files (RFC 9580, 5.2.3.29).
const MAY_SIGN: u8 = 0x02;

/// The key that a publisher signs files with: the primary key of a certificate. Sub-keys are not read, so a signature made
/// with one counts as made with another key.
#[derive(Debug, Clone)]
pub struct PublisherKey {
    pub(super) fingerprint: Fingerprint,
    /// Seconds since 1970.
    pub(super) made: u32,
    /// Seconds since 1970.
    pub(super) expires: Option<u64>,
    pub(super) is_revoked: bool,
    pub(super) rsa: PublicKey,
}

/// The bytes are not a key that files can be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadKey(&'static str);

impl PublisherKey {
    /// The key of Raspberry Pi OS, which is built in.
    pub fn raspberry_pi() -> Result<Self> {
        Self::read(RASPBERRY_PI).context(Category::Other, || "reading the built-in signing key".to_owned())
    }

    /// Reads an exported certificate, as text or binary. The key's newest signature of itself gives its purpose and expiry.
    pub fn read(certificate: &[u8]) -> Result<Self, BadKey> {
        let binary = armor::to_binary(certificate, "PGP PUBLIC KEY BLOCK").map_err(BadKey)?;
        let packets = packets(&binary).ok_or(BadKey("it does not consist of OpenPGP packets"))?;
        let (key, rest) = packets
            .split_first()
            .filter(|(first, _)| first.tag == tag::PUBLIC_KEY)
            .ok_or(BadKey("it does not begin with a public key"))?;
        let mut body = Bytes(key.body);
        let (made, rsa) = rsa_key(&mut body).filter(|_| body.is_empty()).ok_or(BadKey(
            "it is not an RSA key of 2048 bits in a packet of version 4",
        ))?;
        let about = About::read(key.body, rest, &rsa)?;
        let newest = about
            .newest
            .ok_or(BadKey("it has no valid signature of itself"))?;
        if newest.key_flags().unwrap_or(0) & MAY_SIGN == 0 {
            return Err(BadKey("it is not meant for signing"));
        }
        let expires = newest
            .key_expires_after()
            .map(|after| u64::from(made) + u64::from(after));
        Ok(Self {
            // The key itself has signed this, so there is no need to compute it (with SHA-1).
            fingerprint: newest
                .signed_fingerprint()
                .ok_or(BadKey("it does not name its fingerprint"))?,
            made,
            expires,
            is_revoked: about.is_revoked,
            rsa,
        })
    }

    /// What the key is called.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// When the key was made, and its numbers (RFC 9580, 5.5.2.2).
fn rsa_key(body: &mut Bytes) -> Option<(u32, PublicKey)> {
    let is_version = body.byte()? == VERSION;
    let made = body.u32()?;
    let is_rsa = body.byte()? == RSA;
    let key = PublicKey::take(body)?;
    (is_version && is_rsa).then_some((made, key))
}

/// What signatures say about a key.
struct About<'a> {
    /// The last one that the key made of itself.
    newest: Option<Fields<'a>>,
    is_revoked: bool,
}

impl<'a> About<'a> {
    /// Reads the signatures of the primary key and of its user ids, up to the first packet of another kind.
    fn read(key: &[u8], packets: &[Packet<'a>], rsa: &PublicKey) -> Result<Self, BadKey> {
        let mut about = Self {
            newest: None,
            is_revoked: false,
        };
        let mut user_id = None;
        for packet in packets {
            match packet.tag {
                tag::USER_ID => user_id = Some(packet.body),
                tag::SIGNATURE => {
                    let fields = Fields::read(packet.body)
                        .map_err(|Damaged| BadKey("a signature in it is damaged"))?;
                    about.add(fields, key, user_id, rsa);
                }
                _ => break,
            }
        }
        Ok(about)
    }

    fn add(&mut self, fields: Option<Fields<'a>>, key: &[u8], user_id: Option<&[u8]>, rsa: &PublicKey) {
        let Some(fields) = fields else {
            return;
        };
        // Not verified: a key that carries any revocation at all is not to be used.
        self.is_revoked |= fields.kind == kind::KEY_REVOCATION;
        let is_newer = self
            .newest
            .as_ref()
            .is_none_or(|newest| newest.made() < fields.made());
        if is_newer && is_own(&fields, key, user_id, rsa) {
            self.newest = Some(fields);
        }
    }
}

/// Whether the key made this signature, of itself alone or of one of its user ids (RFC 9580, 5.2.4).
fn is_own(fields: &Fields, key: &[u8], user_id: Option<&[u8]>, rsa: &PublicKey) -> bool {
    let (Ok(key_length), Ok(id_length)) = (
        u16::try_from(key.len()),
        u32::try_from(user_id.unwrap_or_default().len()),
    ) else {
        return false;
    };
    let key_start = [&[0x99][..], &key_length.to_be_bytes()].concat();
    let id_start = [&[0xb4][..], &id_length.to_be_bytes()].concat();
    let trailer = fields.trailer();
    let parts = match user_id {
        None if fields.kind == kind::KEY => vec![&*key_start, key, &trailer],
        Some(id) if kind::USER_ID.contains(&fields.kind) => vec![&*key_start, key, &id_start, id, &trailer],
        _ => return false,
    };
    let value = fields.value.clone().integer();
    let digest = Digest::of(fields.hash_algorithm, &parts);
    fields.key_algorithm == RSA
        && value
            .zip(digest)
            .is_some_and(|(value, digest)| rsa.verifies(&digest, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_key_is_the_publishers_and_vouches_for_itself() {
        let key = PublisherKey::raspberry_pi().unwrap();
        assert_eq!(
            key.fingerprint().to_string(),
            "54C3DD610D9D1B4AF82A37758738CD6B956F460C"
        );
        // As `gpg --show-keys --with-colons` has them: 2017-04-10 and 2031-04-07.
        assert_eq!((key.made, key.expires), (1_491_842_805, Some(1_933_324_609)));
        assert!(!key.is_revoked);
    }

    #[test]
    fn a_key_whose_own_signature_was_changed_is_refused() {
        let binary = armor::to_binary(RASPBERRY_PI, "PGP PUBLIC KEY BLOCK").unwrap();
        // The user id is part of what each of its signatures is of.
        let at = binary.windows(9).position(|bytes| bytes == b"Raspberry").unwrap();
        let mut changed = binary.clone();
        changed[at] ^= 1;
        assert_eq!(
            PublisherKey::read(&changed).unwrap_err(),
            BadKey("it has no valid signature of itself")
        );
        for length in (0..binary.len()).step_by(7).filter(|length| *length < 300) {
            assert!(PublisherKey::read(&binary[..length]).is_err(), "{length}");
        }
    }
}
