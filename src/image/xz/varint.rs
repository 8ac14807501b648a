//! Multibyte integers, as block headers and the index have them (xz file format 1.2.1, section 1.2):
//! seven bits a byte, the lowest first, the top bit says that more follow.

use super::damage;
use crate::error::Result;

/// An integer has at most 63 bits.
pub(super) const MAX: u64 = u64::MAX >> 1;

/// Bytes of the longest encoding.
const MAX_BYTES: u32 = 9;

/// Reads one integer, byte by byte.
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

/// Appends one integer of at most [`MAX`].
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
    fn integers_survive_the_way_out_and_back() {
        for value in [0, 1, 127, 128, 16383, 16384, u64::from(u32::MAX), MAX - 1, MAX] {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            assert_eq!(read_all(&bytes).unwrap(), value);
            assert!(read_all(&bytes[..bytes.len() - 1]).is_err(), "{value} cut off");
        }
    }

    #[test]
    fn an_integer_has_only_one_spelling() {
        assert!(read_all(&[0x80, 0]).is_err());
        assert!(read_all(&[0xff; 9]).is_err());
        assert!(read_all(&[0xff; 12]).is_err());
    }
}
