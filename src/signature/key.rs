//! The publisher's key, and the arithmetic of its signatures: RSA with PKCS #1 v1.5 (RFC 8017, 8.2.2).

use std::fmt;

use base16ct::HexDisplay;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048};

/// The public exponent of nearly every key.
const EXPONENT: U64 = U64::from_u32(65537);

/// The bytes before a SHA-512 digest in a signature: `DigestInfo` in DER (RFC 8017, 9.2, note 1).
const SHA512: &[u8] = b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

/// The RSA key of 2048 bits that a publisher signs files with. Times are in seconds since 1970.
#[derive(Debug, Clone)]
pub struct PublisherKey {
    pub fingerprint: Fingerprint,
    pub made: u64,
    pub expires: u64,
    pub modulus: Odd<U2048>,
}

/// The full name of a key (RFC 9580, 5.5.4.2), written as 40 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 20]);

impl PublisherKey {
    /// "Raspberry Pi Downloads Signing Key", as the publisher has it at
    /// `https://www.raspberrypi.org/raspberrypi_downloads.gpg.key`; `tests/signature/` has a copy.
    pub const RASPBERRY_PI: Self = Self {
        fingerprint: Fingerprint([
            0x54, 0xc3, 0xdd, 0x61, 0x0d, 0x9d, 0x1b, 0x4a, 0xf8, 0x2a, 0x37, 0x75, 0x87, 0x38, 0xcd, 0x6b,
            0x95, 0x6f, 0x46, 0x0c,
        ]),
        // 2017-04-10 and 2031-04-07.
        made: 1_491_842_805,
        expires: 1_933_324_609,
        modulus: Odd::<U2048>::from_be_hex(
            "d00e81e544398479481b3d62a680551c81caa1f77316b84938877ca86dae0d116e153edb7855627d38ea593ec5e98543\
             0f004e921c89a422da15de304e4c7472d7777db2daf4f95bad8a54d71923edb2d29bb38117ea8b96287dd0eaa691f12a\
             b7b6575c602c40662b1a2cd6e18179cd7b7d09754a117cade7c7df0a7c93da77c8f3f631e6adba1b691e76ec05ac925b\
             bdb9b0b2afbaa5df9639995f91747e2fcd78148fdf7d5b5e0e9068a206c07097f4be507261b6a63650bb099e352532af\
             d8e5646c7cf9cde2c3c7bad5d203ffa4ac6ee9c43e3c0871221c63302d6102c5bd738c16ccc0652380e9421539f7758f\
             084494462f574197f47ca9cac102696b",
        ),
    };

    /// Returns whether `signature`, a big-endian number, is this key's signature of a SHA-512 `digest`.
    ///
    /// The block in the signature is not parsed but compared as a whole with the one block that must be there: forgeries have
    /// exploited parsers (RFC 8017, 8.2.2, note). All numbers are public, so the time this takes gives nothing away.
    pub(super) fn verifies(&self, digest: &[u8; 64], signature: &[u8]) -> bool {
        let Some(missing) = U2048::BYTES.checked_sub(signature.len()) else {
            return false;
        };
        let signature = U2048::from_be_slice(&[&vec![0; missing], signature].concat());
        let params = FixedMontyParams::new_vartime(self.modulus);
        let power = FixedMontyForm::new(&signature, &params).pow_vartime(&EXPONENT);
        signature < *self.modulus && power.retrieve() == U2048::from_be_slice(&block(digest))
    }
}

impl Fingerprint {
    /// Returns the short name of the key: its last 8 bytes. Another key with the same short name can be made.
    pub(super) fn id(self) -> u64 {
        self.0.last_chunk().map_or(0, |id| u64::from_be_bytes(*id))
    }
}

/// Returns the 256 bytes that a signature of `digest` contains (RFC 8017, 9.2).
fn block(digest: &[u8; 64]) -> Vec<u8> {
    [&[0, 1][..], &[0xff; 170], &[0], SHA512, digest].concat()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", HexDisplay(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_that_of_rfc_8017() {
        let block = block(&[7; 64]);
        assert_eq!(block.len(), U2048::BYTES);
        assert_eq!(block[..2], [0, 1]);
        assert_eq!(block[2..172], [0xff; 170]);
        assert_eq!(block[172], 0);
        assert_eq!(block[173..192], *SHA512);
        assert_eq!(block[192..], [7; 64]);
    }

    #[test]
    fn a_number_as_large_as_the_modulus_is_not_a_signature() {
        let key = PublisherKey::RASPBERRY_PI;
        let modulus = key.modulus.to_be_bytes();
        assert!(!key.verifies(&[7; 64], modulus.as_ref()));
        assert!(!key.verifies(&[7; 64], &[1; 257]));
        assert!(!key.verifies(&[7; 64], &[]));
    }
}
