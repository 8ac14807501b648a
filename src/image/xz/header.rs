//! Stream headers and footers (xz file format 1.2.1, sections 2.1.1 and 2.1.2).

use super::damage;
use crate::error::{Category, Error, Result};

/// Size of a stream header and of a stream footer in bytes.
pub(super) const SIZE: u64 = 12;

const HEADER_MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
const FOOTER_MAGIC: [u8; 2] = *b"YZ";

/// The type of checksum, which is the same for all blocks of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    None,
    Crc32,
    /// CRC-64 with the polynomial of ECMA-182, the default of `xz`.
    Crc64,
    Sha256,
}

impl Check {
    fn from_flags(flags: [u8; 2]) -> Result<Self> {
        match flags {
            [0, 0x0] => Ok(Self::None),
            [0, 0x1] => Ok(Self::Crc32),
            [0, 0x4] => Ok(Self::Crc64),
            [0, 0xa] => Ok(Self::Sha256),
            [first, second] => Err(Error::new(
                Category::Verification,
                format!(
                    "the xz stream's flags {first:02x} {second:02x} name a check that cannot be verified"
                ),
            )
            .with_remedy("compress the image again with: xz -T0")),
        }
    }

    fn flags(self) -> [u8; 2] {
        match self {
            Self::None => [0, 0x0],
            Self::Crc32 => [0, 0x1],
            Self::Crc64 => [0, 0x4],
            Self::Sha256 => [0, 0xa],
        }
    }

    /// Returns the size of the checksum at the end of a block, in bytes.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Crc32 => 4,
            Self::Crc64 => 8,
            Self::Sha256 => 32,
        }
    }

    pub(super) fn for_encoder(self) -> xz2::stream::Check {
        match self {
            Self::None => xz2::stream::Check::None,
            Self::Crc32 => xz2::stream::Check::Crc32,
            Self::Crc64 => xz2::stream::Check::Crc64,
            Self::Sha256 => xz2::stream::Check::Sha256,
        }
    }
}

pub(super) fn parse(header: [u8; 12]) -> Result<Check> {
    let [m0, m1, m2, m3, m4, m5, f0, f1, crc @ ..] = header;
    if [m0, m1, m2, m3, m4, m5] != HEADER_MAGIC {
        return Err(damage("it does not start like an xz file"));
    }
    if crc32fast::hash(&[f0, f1]) != u32::from_le_bytes(crc) {
        return Err(damage("the stream header's CRC32 is wrong"));
    }
    Check::from_flags([f0, f1])
}

pub(super) fn write(check: Check) -> [u8; 12] {
    let [m0, m1, m2, m3, m4, m5] = HEADER_MAGIC;
    let [f0, f1] = check.flags();
    let [c0, c1, c2, c3] = crc32fast::hash(&[f0, f1]).to_le_bytes();
    [m0, m1, m2, m3, m4, m5, f0, f1, c0, c1, c2, c3]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footer {
    /// The same as in the header.
    pub check: Check,
    /// Size of the index in bytes, which is right before the footer.
    pub index_size: u64,
}

pub(super) fn parse_footer(footer: [u8; 12]) -> Result<Footer> {
    let [c0, c1, c2, c3, b0, b1, b2, b3, f0, f1, magic @ ..] = footer;
    if magic != FOOTER_MAGIC {
        return Err(damage("its end is missing or overwritten"));
    }
    let stored = [b0, b1, b2, b3];
    if crc32fast::hash(&[b0, b1, b2, b3, f0, f1]) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(damage("the stream footer's CRC32 is wrong"));
    }
    Ok(Footer {
        check: Check::from_flags([f0, f1])?,
        index_size: (u64::from(u32::from_le_bytes(stored)) + 1) * 4,
    })
}

/// Returns a stream footer. Fails if the index is larger than 16 GiB.
pub(super) fn write_footer(check: Check, index_size: u64) -> Result<[u8; 12]> {
    let stored = (index_size / 4)
        .checked_sub(1)
        .and_then(|words| u32::try_from(words).ok())
        .ok_or_else(|| Error::new(Category::Other, "the xz index is too large"))?;
    let [b0, b1, b2, b3] = stored.to_le_bytes();
    let [f0, f1] = check.flags();
    let [c0, c1, c2, c3] = crc32fast::hash(&[b0, b1, b2, b3, f0, f1]).to_le_bytes();
    let [y, z] = FOOTER_MAGIC;
    Ok([c0, c1, c2, c3, b0, b1, b2, b3, f0, f1, y, z])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Check; 4] = [Check::None, Check::Crc32, Check::Crc64, Check::Sha256];

    #[test]
    fn header_and_footer_can_be_read_back() {
        for check in ALL {
            assert_eq!(parse(write(check)).unwrap(), check);
            let footer = Footer {
                check,
                index_size: 400,
            };
            assert_eq!(parse_footer(write_footer(check, 400).unwrap()).unwrap(), footer);
        }
    }

    #[test]
    fn every_flipped_bit_of_header_and_footer_is_detected() {
        for check in ALL {
            for bit in 0..96 {
                let mut header = write(check);
                header[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(parse(header).unwrap_err().category(), Category::Verification);
                let mut footer = write_footer(check, 64).unwrap();
                footer[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    parse_footer(footer).unwrap_err().category(),
                    Category::Verification
                );
            }
        }
    }
}
