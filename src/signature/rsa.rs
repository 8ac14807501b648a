//! RSA signatures with PKCS #1 v1.5 (RFC 8017, 8.2.2) and keys of 2048 bits, like the publisher's.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048};
use sha2::{Digest as _, Sha256, Sha512};

use super::bytes::Bytes;

/// Bytes of the modulus, and of everything that is computed with it.
const SIZE: usize = U2048::BYTES;

/// The public exponent of nearly every key, 65537, as bytes.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    modulus: Odd<U2048>,
}

/// A digest that was signed.
pub(super) enum Digest {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

impl Digest {
    /// Hashes `parts`, one after the other, with the algorithm of that number (RFC 9580, 9.5), if it is one of the two.
    pub(super) fn of(algorithm: u8, parts: &[&[u8]]) -> Option<Self> {
        match algorithm {
            8 => {
                let hasher = parts.iter().fold(Sha256::new(), Sha256::chain_update);
                Some(Self::Sha256(hasher.finalize().into()))
            }
            10 => {
                let hasher = parts.iter().fold(Sha512::new(), Sha512::chain_update);
                Some(Self::Sha512(hasher.finalize().into()))
            }
            _ => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// What stands before the digest: `DigestInfo` in DER (RFC 8017, 9.2, note 1).
    fn prefix(&self) -> [u8; 19] {
        match self {
            Self::Sha256(_) => {
                *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
            }
            Self::Sha512(_) => {
                *b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
            }
        }
    }
}

impl PublicKey {
    /// Takes modulus and exponent as they stand in a key packet (RFC 9580, 5.5.5.1).
    pub(super) fn take(bytes: &mut Bytes) -> Option<Self> {
        let modulus: [u8; SIZE] = bytes.integer()?.try_into().ok()?;
        let is_2048_bits = modulus.first().is_some_and(|first| *first >= 0x80);
        let is_usual = bytes.integer()? == EXPONENT;
        let modulus = Odd::new(U2048::from_be_slice(&modulus)).into_option()?;
        (is_2048_bits && is_usual).then_some(Self { modulus })
    }

    /// Whether `signature` is this key's, of `digest`.
    ///
    /// The block in the signature is not parsed but compared as a whole with the one block that must be there: forgeries have
    /// exploited parsers (RFC 8017, 8.2.2, note). All numbers are public, so the time this takes gives nothing away.
    pub(super) fn verifies(&self, digest: &Digest, signature: &[u8]) -> bool {
        let Some(signature) = widened(signature).map(|bytes| U2048::from_be_slice(&bytes)) else {
            return false;
        };
        if signature >= *self.modulus {
            return false;
        }
        let params = FixedMontyParams::new_vartime(self.modulus);
        let power = FixedMontyForm::new(&signature, &params).pow_vartime(&U64::from_u32(65537));
        padded(digest).is_some_and(|expected| power.retrieve() == U2048::from_be_slice(&expected))
    }
}

/// Puts zeros in front of a number, up to the modulus's size.
fn widened(number: &[u8]) -> Option<[u8; SIZE]> {
    let mut bytes = [0; SIZE];
    let start = SIZE.checked_sub(number.len())?;
    bytes.get_mut(start..)?.copy_from_slice(number);
    Some(bytes)
}

/// Returns the block that a signature of `digest` contains (RFC 8017, 9.2): `00 01 ff … ff 00`, then the digest's `DigestInfo`.
fn padded(digest: &Digest) -> Option<[u8; SIZE]> {
    let end = [&[0][..], &digest.prefix(), digest.bytes()].concat();
    let start = SIZE.checked_sub(end.len())?;
    let mut block = [0xff; SIZE];
    block.get_mut(..2)?.copy_from_slice(&[0, 1]);
    block.get_mut(start..)?.copy_from_slice(&end);
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_that_of_rfc_8017() {
        let digest = Digest::of(10, &[b"ab", b"c"]).unwrap();
        let block = padded(&digest).unwrap();
        assert_eq!(block[..2], [0, 1]);
        assert_eq!(block[2..172], [0xff; 170]);
        assert_eq!(block[172], 0);
        assert_eq!(block[173..192], digest.prefix());
        // FIPS 180-2, appendix C.1.
        assert_eq!(block[192..200], [0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba]);
    }

    #[test]
    fn keys_of_another_size_exponent_or_an_even_modulus_are_refused() {
        let key = |first: u8, last: u8, exponent: &[u8]| {
            let mut bytes = vec![8, 0, first];
            bytes.extend([7; 254]);
            bytes.push(last);
            bytes.extend(exponent);
            PublicKey::take(&mut Bytes(&bytes))
        };
        assert!(key(0x80, 1, &[0, 17, 1, 0, 1]).is_some());
        assert!(key(0x80, 2, &[0, 17, 1, 0, 1]).is_none());
        assert!(key(0x7f, 1, &[0, 17, 1, 0, 1]).is_none());
        assert!(key(0x80, 1, &[0, 2, 3]).is_none());
        assert!(PublicKey::take(&mut Bytes(&[0, 9, 1, 1, 0, 17, 1, 0, 1])).is_none());
    }
}
