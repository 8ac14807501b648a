//! The built-in key.

use mkimage::signature::{PublisherKey, Rejection};

use crate::{FILE, check, key_with};
use test_support::gnupg::{Gnupg, Numbers, YEAR_2026};

/// The published key.
const PUBLISHED: &[u8] = include_bytes!("raspberry-pi-signing-key.asc");

#[test]
fn the_built_in_key_is_the_published_one() {
    let gnupg = Gnupg::default();
    let listed = gnupg.run(YEAR_2026, &["--show-keys", "--with-colons"], PUBLISHED);
    let published = key_with(&Numbers::read(
        &listed,
        &gnupg.run(YEAR_2026, &["--dearmor"], PUBLISHED),
    ));
    let built_in = PublisherKey::RASPBERRY_PI;
    assert_eq!(
        built_in.fingerprint.to_string(),
        "54C3DD610D9D1B4AF82A37758738CD6B956F460C"
    );
    assert_eq!(built_in.fingerprint, published.fingerprint);
    assert_eq!(built_in.modulus, published.modulus);
    assert_eq!(
        (built_in.made, built_in.expires),
        (published.made, published.expires)
    );
    // GnuPG computes the fingerprint from the key. Nothing in it says that it was revoked, and its numbers have the form that
    // is expected: 2048 bits, and the exponent 65537.
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.starts_with("pub:-:2048:1:8738CD6B956F460C:"), "{listed}");
    assert!(!listed.contains("\nrev:"), "{listed}");
    let packets = gnupg.run(YEAR_2026, &["--verbose", "--list-packets"], PUBLISHED);
    let packets = String::from_utf8(packets).unwrap();
    assert!(packets.contains("pkey[1]: 010001\n"), "{packets}");
}

#[test]
fn a_genuine_signature_of_the_key_itself_is_not_one_of_a_file() {
    let gnupg = Gnupg::default();
    let binary = gnupg.run(YEAR_2026, &["--dearmor"], PUBLISHED);
    // Key and user id come before it, and it has 343 bytes, as `gpg --list-packets` says.
    let signature = &binary[308..651];
    let key = PublisherKey::RASPBERRY_PI;
    assert_eq!(check(signature, &key, FILE), Err(Rejection::OtherKind(0x13)));
}
