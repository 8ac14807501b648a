//! The packets that OpenPGP data consists of (RFC 9580, section 4).

use super::bytes::Bytes;

/// Packet types (RFC 9580, section 5).
pub(super) mod tag {
    pub(in super::super) const SIGNATURE: u8 = 2;
    pub(in super::super) const PUBLIC_KEY: u8 = 6;
    pub(in super::super) const USER_ID: u8 = 13;
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Its type, as in [`tag`].
    pub(super) tag: u8,
    /// What is in it.
    pub(super) body: &'a [u8],
}

/// Splits `bytes` into packets. Returns nothing if they cannot be split, or if a packet does not give its length at the
/// start, as signatures and keys must (RFC 9580, 4.2.1.4).
pub(super) fn packets(bytes: &[u8]) -> Option<Vec<Packet<'_>>> {
    let mut bytes = Bytes(bytes);
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        packets.push(packet(&mut bytes)?);
    }
    Some(packets)
}

fn packet<'a>(bytes: &mut Bytes<'a>) -> Option<Packet<'a>> {
    let first = bytes.byte()?;
    let (tag, length) = match first {
        0xc0.. => (first & 0x3f, bytes.length(224)?),
        // The legacy form: type and form of the length are in one byte (RFC 9580, 4.2.2).
        0x80.. => {
            let length = match first & 3 {
                0 => bytes.byte()?.into(),
                1 => bytes.u16()?.into(),
                2 => bytes.u32()?.try_into().ok()?,
                _ => return None,
            };
            (first >> 2 & 0xf, length)
        }
        _ => return None,
    };
    let body = bytes.take(length)?;
    Some(Packet { tag, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_packets_are_read() {
        let packet = |tag, body| Packet { tag, body };
        let bytes = [0x88, 1, 7, 0xc2, 2, 8, 9, 0x89, 0, 1, 5, 0x9a, 0, 0, 0, 0];
        let expected = [
            packet(2, &[7][..]),
            packet(2, &[8, 9]),
            packet(2, &[5]),
            packet(6, &[]),
        ];
        assert_eq!(packets(&bytes).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn packets_that_are_cut_off_or_of_unknown_length_are_refused() {
        for bytes in [
            &[0x88, 2, 7][..],
            &[0x88],
            &[0x8b, 1, 7],
            &[0xc2, 0xe0, 7],
            &[0xc2, 0xff, 0xff, 0xff, 0xff, 0xff, 7],
            &[0x88, 0, 0x20],
        ] {
            assert_eq!(packets(bytes), None, "{bytes:?}");
        }
    }
}
