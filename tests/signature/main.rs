//! Signatures that GnuPG made, and damaged ones.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong in a test has to stop it"
)]

mod accepted;
mod damaged;
mod key;
mod refused;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crypto_bigint::{Odd, U2048};
use mkimage::signature::{Content, Detached, Fingerprint, PublisherKey, Rejection};
use test_support::gnupg::{Gnupg, Numbers};

/// The user id of the key that counts.
const PUBLISHER: &str = "publisher@example.org";

/// The user id of another key.
const STRANGER: &str = "stranger@example.org";

/// The signed bytes.
const FILE: &[u8] = b"an image\r\nof two lines\n";

/// Seconds from 1970 to June 2026.
const NOW: u64 = 1_780_272_000;

/// A GnuPG with the publisher's key, which expires in 2035.
fn publisher() -> (Gnupg, PublisherKey) {
    let gnupg = Gnupg::default();
    gnupg.make_key(PUBLISHER, "rsa2048", "sign", "10y");
    let key = key_with(&gnupg.numbers(PUBLISHER));
    (gnupg, key)
}

fn key_with(numbers: &Numbers) -> PublisherKey {
    PublisherKey {
        fingerprint: Fingerprint(numbers.fingerprint),
        made: numbers.made,
        expires: numbers.expires,
        modulus: Odd::new(U2048::from_be_slice(&numbers.modulus)).unwrap(),
    }
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Checks a signature of `file` as in June 2026.
fn check(signature: &[u8], key: &PublisherKey, file: &[u8]) -> Result<(), Rejection> {
    check_at(NOW, signature, key, file)
}

fn check_at(now: u64, signature: &[u8], key: &PublisherKey, file: &[u8]) -> Result<(), Rejection> {
    let mut content = Content::default();
    for piece in file.chunks(7) {
        content.update(piece);
    }
    Detached::read(signature, key, time(now))?.verify(&content)
}
