//! Multibyte integers in block headers and the index (xz file format 1.2.1, section 1.2): seven bits per byte, lowest
//! first; the top bit means that more bytes follow.

use super::damage;
use crate::error::Result;

/// The largest integer, which has 63 bits.
pub(super) const MAX: u64 = u64::MAX >> 1;

/// Size of the longest encoding in bytes.
const MAX_BYTES: u32 = 9;

/// Reads an integer byte by byte.
pub(super) fn read(mut next: impl FnMut() -> Result<u8>) -> Result<u64> {
    let mut value = 0;
    for place in 0..MAX_BYTES {
        let byte = next()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return if byte == 0 && place > 0 {
                Err(damage("an integer is longer than it needs to be"))
            } else {
                Ok(value)
            };
        }
    }
    Err(damage("an integer does not end"))
}

/// Appends an integer of at most [`MAX`].
pub(super) fn write(mut value: u64, to: &mut Vec<u8>) {
    debug_assert!(value <= MAX);
    loop {
        let bits = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            to.push(bits);
            return;
        }
        to.push(bits | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> Result<u64> {
        let mut rest = bytes.iter();
        read(|| rest.next().copied().ok_or_else(|| damage("cut off")))
    }

    #[test]
    fn written_integers_can_be_read_back() {
        for value in [0, 1, 127, 128, 16383, 16384, u64::from(u32::MAX), MAX - 1, MAX] {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            assert_eq!(read_all(&bytes).unwrap(), value);
            assert!(read_all(&bytes[..bytes.len() - 1]).is_err(), "{value} cut off");
        }
    }

    #[test]
    fn only_the_shortest_encoding_is_accepted() {
        assert!(read_all(&[0x80, 0]).is_err());
        assert!(read_all(&[0xff; 9]).is_err());
        assert!(read_all(&[0xff; 12]).is_err());
    }
}
