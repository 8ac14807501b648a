//! The reasons why a signature does not vouch for a file.

use std::time::{Duration, UNIX_EPOCH};

use super::key::Fingerprint;

/// The reason why a signature does not vouch for a file, as a sentence about the signature. Times are in seconds since 1970; `now` is
/// what this computer's clock says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("it is not an OpenPGP signature: {0}")]
    Malformed(&'static str),
    #[error("it was made with {maker}, not with the publisher's key {wanted}")]
    OtherKey { maker: String, wanted: Fingerprint },
    /// It signs a text, a key or something else.
    #[error("it is not the signature of a file (its type is {0:#04x})")]
    OtherKind(u8),
    /// It is of a kind that the publisher's key cannot make.
    #[error("it is not an RSA signature (its algorithm has the number {0})")]
    OtherAlgorithm(u8),
    /// The digest is too weak, or one that the publisher does not use.
    #[error("it was made with {}, and only SHA-512 is accepted", hash(*.0))]
    OtherHash(u8),
    /// It must be refused by a program that does not understand all of it.
    #[error("it has a critical part that mkimage does not understand (sub-packet type {0})")]
    NotUnderstood(u8),
    #[error("it does not say when it was made")]
    Undated,
    #[error("it was made on {}, before its key, which is from {}", date(*.made), date(*.key))]
    OlderThanKey { made: u64, key: u64 },
    #[error("it was made on {}, after its key had expired on {}", date(*.made), date(*.expired))]
    MadeWithExpiredKey { made: u64, expired: u64 },
    /// Either it is dated ahead, or the clock is slow.
    #[error("it was made on {}, which is in the future by this computer's clock ({})", date(*.made), date(*.now))]
    FromTheFuture { made: u64, now: u64 },
    #[error("it expired on {}, and by this computer's clock it is {}", date(*.expired), date(*.now))]
    Expired { expired: u64, now: u64 },
    /// The key has expired by now, though not when the signature was made.
    #[error("its key expired on {}, and by this computer's clock it is {}", date(*.expired), date(*.now))]
    KeyExpired { expired: u64, now: u64 },
    #[error(
        "it does not match the file: the file or the signature was changed, or it is another file's signature"
    )]
    OtherFile,
}

impl Rejection {
    /// Returns what the user can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::FromTheFuture { .. } => "set this computer's clock and try again",
            Self::Expired { .. } | Self::KeyExpired { .. } => {
                "set this computer's clock if it is wrong; if it is right, use a newer mkimage or a newer image"
            }
            Self::MadeWithExpiredKey { .. } => "use a newer mkimage, which has the publisher's new key",
            _ => {
                "do not use this file; download the file and its signature again, from the publisher's own URL"
            }
        }
    }
}

/// Names of digests (RFC 9580, 9.5).
fn hash(algorithm: u8) -> String {
    match algorithm {
        1 => "MD5".to_owned(),
        2 => "SHA-1".to_owned(),
        3 => "RIPEMD-160".to_owned(),
        8 => "SHA-256".to_owned(),
        9 => "SHA-384".to_owned(),
        11 => "SHA-224".to_owned(),
        other => format!("digest number {other}"),
    }
}

/// A day and a time, as in `06 Nov 1994 08:49:37 GMT`.
fn date(seconds: u64) -> String {
    // A signature's times fit into four bytes; a clock's may be anything.
    let seconds = seconds.min(u32::MAX.into());
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    match date.split_once(", ") {
        Some((_weekday, date)) => date.to_owned(),
        None => date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_named_with_what_it_says() {
        let rejection = Rejection::FromTheFuture {
            made: 1_791_288_000,
            now: 784_111_777,
        };
        assert_eq!(
            rejection.to_string(),
            "it was made on 06 Oct 2026 12:00:00 GMT, which is in the future by this computer's clock (06 Nov 1994 \
             08:49:37 GMT)"
        );
        assert!(rejection.remedy().contains("clock"));
        assert_eq!(date(u64::MAX), "07 Feb 2106 06:28:15 GMT");
    }
}
