//! OpenPGP data as text (RFC 9580, section 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// Returns the binary form of `bytes`. Text must consist of one or more signatures, with only blank lines around them. The
/// error says what is wrong with it.
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
        binary.extend(block(&mut lines)?);
    }
    if binary.is_empty() {
        return Err("it is empty");
    }
    Ok(binary)
}

/// Reads what follows the first line of a block, up to its last line.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<u8>, &'static str> {
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
