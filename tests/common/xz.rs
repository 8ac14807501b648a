//! Encoding of numbers in xz files.

/// Returns `value` as a multibyte integer (xz file format 1.2.1, section 1.2).
pub fn integer(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}
