//! Numbers and runs of bytes, taken from the front of unchecked bytes.

/// Bytes that have not been taken yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// Takes `count` bytes, or nothing when there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes an array.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Takes a byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes a big-endian number of two bytes.
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes a big-endian number of four bytes.
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes a run of bytes that its length precedes, in two bytes.
    pub(super) fn counted(&mut self) -> Option<&'a [u8]> {
        let count = self.u16()?;
        self.take(count.into())
    }

    /// Takes a number of any size (RFC 9580, 3.2): its length in bits, then its bytes, the first of which is not zero.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bits = self.u16()?;
        let bytes = self.take(bits.div_ceil(8).into())?;
        let unused = bytes.first().map_or(0, |first| first.leading_zeros());
        let padding = u32::from(bits).next_multiple_of(8) - u32::from(bits);
        (unused == padding).then_some(bytes)
    }

    /// Takes the length of a packet in the new format or of a sub-packet (RFC 9580, 4.2.1 and 5.2.3.7): one, two or five
    /// bytes. First bytes from `unknown` to 254 are not such lengths.
    pub(super) fn length(&mut self, unknown: u8) -> Option<usize> {
        let first = self.byte()?;
        match first {
            0..192 => Some(first.into()),
            255 => self.u32()?.try_into().ok(),
            _ if first < unknown => {
                let second = self.byte()?;
                Some((usize::from(first) - 192) * 256 + usize::from(second) + 192)
            }
            _ => None,
        }
    }

    /// Whether everything was taken.
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_whose_bit_count_is_wrong_is_refused() {
        assert_eq!(Bytes(&[0, 9, 1, 0]).integer(), Some(&[1, 0][..]));
        assert_eq!(Bytes(&[0, 0]).integer(), Some(&[][..]));
        for wrong in [
            &[0, 10, 1, 0][..],
            &[0, 8, 1],
            &[0, 16, 0, 255],
            &[0, 9, 1],
            &[0xff, 0xff, 1],
            &[0],
        ] {
            assert_eq!(Bytes(wrong).integer(), None, "{wrong:?}");
        }
    }

    #[test]
    fn lengths_are_read_in_all_three_forms() {
        for (bytes, length) in [
            (&[191][..], 191),
            (&[192, 0], 192),
            (&[223, 255], 8383),
            (&[255, 0, 1, 0, 0], 65536),
        ] {
            assert_eq!(Bytes(bytes).length(224), Some(length));
        }
        assert_eq!(Bytes(&[224, 0]).length(224), None);
        assert_eq!(Bytes(&[224, 0]).length(255), Some(8384));
        assert_eq!(Bytes(&[192]).length(224), None);
    }
}
