//! OpenPGP data as text or packets, and the fields of a signature, read from unchecked bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The type of signatures among the packets (RFC 9580, 5).
pub(super) const SIGNATURE: u8 = 2;

/// The version of signatures and keys that is read.
pub(super) const VERSION: u8 = 4;

/// Takes a packet off the front: its type and its body. Returns `None` if it is cut off or does not give its length at the
/// start, as signatures must (RFC 9580, 4.2).
pub(super) fn packet<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let first = *bytes.split_off_first()?;
    let (kind, length) = match first {
        0xc0.. => (first & 0x3f, length(bytes, 224)?),
        // The legacy form: type and size of the length are in one byte (RFC 9580, 4.2.2).
        0x80.. if first & 3 < 3 => (first >> 2 & 0xf, number(bytes, 1 << (first & 3))?),
        _ => return None,
    };
    Some((kind, bytes.split_off(..length)?))
}

/// Takes a big-endian number of `size` bytes, at most four.
fn number(bytes: &mut &[u8], size: usize) -> Option<usize> {
    let append = |number, digit: &u8| number << 8 | usize::from(*digit);
    Some(bytes.split_off(..size)?.iter().fold(0, append))
}

/// Takes the length of a packet in the new format or of a sub-packet (RFC 9580, 4.2.1 and 5.2.3.7): one, two or five bytes.
/// First bytes from `unknown` to 254 are not such lengths.
fn length(bytes: &mut &[u8], unknown: u8) -> Option<usize> {
    match *bytes.split_off_first()? {
        first @ 0..192 => Some(first.into()),
        255 => number(bytes, 4),
        first if first < unknown => Some((usize::from(first) - 192) * 256 + number(bytes, 1)? + 192),
        _ => None,
    }
}

/// A signature packet of version 4 (RFC 9580, 5.2.3), before it is known to be true.
pub(super) struct Fields<'a> {
    /// The kind of signed object (RFC 9580, 5.2.1).
    pub(super) kind: u8,
    /// The kind of key that made it (RFC 9580, 9.1).
    pub(super) key_algorithm: u8,
    /// The kind of digest that was signed (RFC 9580, 9.5).
    pub(super) hash_algorithm: u8,
    /// The part of the packet that is signed too.
    pub(super) signed_part: &'a [u8],
    pub(super) signed: Vec<Subpacket<'a>>,
    /// Anyone can change these.
    unsigned: Vec<Subpacket<'a>>,
    /// The first two bytes of the digest.
    pub(super) digest_start: &'a [u8],
    /// The signature itself, in the form of its key's algorithm.
    value: &'a [u8],
}

pub(super) struct Subpacket<'a> {
    pub(super) is_critical: bool,
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the body of a packet. Returns `None` if it is cut off.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut rest = body;
        let [VERSION, kind, key_algorithm, hash_algorithm] = *rest.split_off(..4)? else {
            return None;
        };
        let signed = subpackets(&mut rest)?;
        let (signed_part, _) = body.split_at_checked(body.len().checked_sub(rest.len())?)?;
        Some(Self {
            kind,
            key_algorithm,
            hash_algorithm,
            signed_part,
            signed,
            unsigned: subpackets(&mut rest)?,
            digest_start: rest.split_off(..2)?,
            value: rest,
        })
    }

    /// Returns the sub-packets of both parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Subpacket<'a>> {
        self.signed.iter().chain(&self.unsigned)
    }

    /// Returns the value as a number (RFC 9580, 3.2), which has its length in bits in front.
    pub(super) fn number(&self) -> Option<&'a [u8]> {
        let mut digits = self.value;
        let bits = number(&mut digits, 2)?;
        let first_bits = 8 - digits.first()?.leading_zeros() as usize;
        (first_bits > 0 && bits == digits.len() * 8 - 8 + first_bits).then_some(digits)
    }
}

/// Takes a row of sub-packets (RFC 9580, 5.2.3.7), with its size in front.
fn subpackets<'a>(bytes: &mut &'a [u8]) -> Option<Vec<Subpacket<'a>>> {
    let size = number(bytes, 2)?;
    let mut row = bytes.split_off(..size)?;
    let mut found = Vec::new();
    while !row.is_empty() {
        let length = length(&mut row, 255)?;
        let (kind, body) = row.split_off(..length)?.split_first()?;
        found.push(Subpacket {
            is_critical: kind & 0x80 != 0,
            kind: kind & 0x7f,
            body,
        });
    }
    Some(found)
}

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// Returns the binary form of OpenPGP data (RFC 9580, section 6). Text must consist of one or more signatures, with only
/// blank lines around them. The error says what is wrong with it.
pub(super) fn to_binary(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    // The first byte of a packet has its highest bit set (RFC 9580, 4.2).
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        return Ok(bytes.to_vec());
    }
    let text = str::from_utf8(bytes).map_err(|_| "it is neither OpenPGP data nor text")?;
    // Blanks at the end of a line have no meaning.
    let mut lines = text.lines().map(str::trim_end);
    let mut binary = Vec::new();
    while let Some(line) = lines.find(|line| !line.is_empty()) {
        if line != BEGIN {
            return Err("there is something else in it than OpenPGP data");
        }
        binary.extend(armored(&mut lines)?);
    }
    if binary.is_empty() {
        return Err("it is empty");
    }
    Ok(binary)
}

/// Reads what follows the first line of a block, up to its last line.
fn armored<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<u8>, &'static str> {
    if !lines
        .take_while(|line| !line.is_empty())
        .all(|header| header.contains(':'))
    {
        return Err("its text has no blank line after the headers");
    }
    let mut data = String::new();
    for line in lines {
        if line == END {
            return STANDARD.decode(data).map_err(|_| "its text is not base64");
        }
        // The line with the checksum has to be ignored, even if it is wrong (RFC 9580, 6.1).
        if !line.starts_with('=') {
            data.push_str(line);
        }
    }
    Err("its text is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_packets_are_read() {
        let mut bytes = &[0x88, 1, 7, 0xc2, 2, 8, 9, 0x89, 0, 1, 5, 0x9a, 0, 0, 0, 0][..];
        for expected in [(2, &[7][..]), (2, &[8, 9]), (2, &[5]), (6, &[])] {
            assert_eq!(packet(&mut bytes), Some(expected));
        }
        assert_eq!(packet(&mut bytes), None);
    }

    #[test]
    fn packets_that_are_cut_off_or_of_unknown_length_are_refused() {
        for mut bytes in [
            &[0x88, 2, 7][..],
            &[0x88],
            &[0x8b, 1, 7],
            &[0xc2, 0xe0, 7],
            &[0xc2, 0xff, 0xff, 0xff, 0xff, 0xff, 7],
            &[0x20],
        ] {
            assert_eq!(packet(&mut bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_number_whose_bit_count_is_wrong_is_refused() {
        let number = |value| {
            let body = [&[VERSION, 0, 1, 10, 0, 0, 0, 0, 1, 2][..], value].concat();
            Fields::read(&body).unwrap().number().map(<[u8]>::to_vec)
        };
        assert_eq!(number(&[0, 9, 1, 0]), Some(vec![1, 0]));
        for wrong in [
            &[0, 10, 1, 0][..],
            &[0, 8, 1],
            &[0, 16, 0, 255],
            &[0, 9, 1],
            &[0xff, 0xff, 1],
            &[0, 9, 1, 0, 0],
            &[0, 0],
            &[0],
        ] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn lengths_are_read_in_all_three_forms() {
        for (bytes, expected) in [
            (&[191][..], 191),
            (&[192, 0], 192),
            (&[223, 255], 8383),
            (&[255, 0, 1, 0, 0], 65536),
        ] {
            assert_eq!(length(&mut &*bytes, 224), Some(expected));
        }
        assert_eq!(length(&mut &[224, 0][..], 224), None);
        assert_eq!(length(&mut &[224, 0][..], 255), Some(8384));
        assert_eq!(length(&mut &[192][..], 224), None);
    }

    const TEXT: &str = "-----BEGIN PGP SIGNATURE-----\nVersion: any\nComment:\n\nMTIzNDU2\nNzg5\n=Ic8C\n-----END PGP SIGNATURE-----\n";

    fn read(text: &str) -> Result<Vec<u8>, &'static str> {
        to_binary(text.as_bytes())
    }

    #[test]
    fn line_ends_blanks_headers_and_the_checksum_are_free() {
        for text in [
            TEXT.to_owned(),
            TEXT.replace('\n', "\r\n"),
            TEXT.replace('\n', " \t\n"),
            TEXT.replace("=Ic8C\n", ""),
            TEXT.replace("=Ic8C", "=Ic8D"),
            TEXT.replace("Version: any\nComment:\n", ""),
            TEXT.replace("NDU2\n", "NDU2"),
            format!("\n\n{}\n\n", TEXT.trim_end()),
        ] {
            assert_eq!(read(&text).as_deref(), Ok(&b"123456789"[..]), "{text:?}");
        }
        assert_eq!(read(&TEXT.repeat(2)).as_deref(), Ok(&b"123456789123456789"[..]));
    }

    #[test]
    fn damaged_text_is_refused() {
        for text in [
            TEXT.replace("NDU2", "NDU"),
            TEXT.replace("NDU2", "N=U2"),
            TEXT.replace("NDU2", "ND\u{e9}U"),
            TEXT.replace("\n\n", "\n"),
            TEXT.replace("-----END", "----END"),
            TEXT.replace("SIGNATURE", "MESSAGE"),
            format!("Hello\n{TEXT}"),
            format!("{TEXT}Hello\n"),
            "<html>log in</html>".to_owned(),
            String::new(),
        ] {
            assert!(read(&text).is_err(), "{text:?}");
        }
        assert!(to_binary(b"-\xff").is_err());
    }

    #[test]
    fn binary_data_stays_as_it_is() {
        assert_eq!(to_binary(b"\x88\x00\xff").as_deref(), Ok(&b"\x88\x00\xff"[..]));
    }
}
