//! Which keys can be the publisher's.

use mkimage::signature::{PublisherKey, Rejection};

use crate::{FILE, PUBLISHER, check};
use test_support::gnupg::{Gnupg, YEAR_2026};

/// The key that is built in.
const BUILT_IN: &[u8] = include_bytes!("../../images/raspberry-pi-signing-key.asc");

#[test]
fn gnupg_reads_the_built_in_key_as_we_do() {
    let gnupg = Gnupg::default();
    let listed = gnupg.run(YEAR_2026, &["--show-keys", "--with-colons"], BUILT_IN);
    let listed = String::from_utf8(listed).unwrap();
    let fingerprint = PublisherKey::raspberry_pi().unwrap().fingerprint();
    assert!(
        listed.contains(&format!("fpr:::::::::{fingerprint}:")),
        "{listed}"
    );
    // The times that the unit test of the key expects.
    assert!(
        listed.starts_with("pub:-:2048:1:8738CD6B956F460C:1491842805:1933324609:"),
        "{listed}"
    );
    // Nothing in it says that it was revoked.
    assert!(!listed.contains("\nrev:"), "{listed}");
}

#[test]
fn a_genuine_signature_of_the_key_itself_is_not_one_of_a_file() {
    let key = PublisherKey::raspberry_pi().unwrap();
    let gnupg = Gnupg::default();
    let binary = gnupg.run(YEAR_2026, &["--dearmor"], BUILT_IN);
    // Key and user id come before it, and it has 343 bytes, as `gpg --list-packets` says.
    let signature = &binary[308..651];
    assert_eq!(check(signature, &key, FILE), Err(Rejection::OtherKind(0x13)));
}

#[test]
fn a_key_reads_the_same_as_text_and_as_bytes() {
    let gnupg = Gnupg::default();
    let fingerprint = gnupg.make_key(PUBLISHER, "rsa2048", "sign", "never");
    let binary = gnupg.run(YEAR_2026, &["--export", PUBLISHER], b"");
    for certificate in [binary, gnupg.export(PUBLISHER)] {
        let key = PublisherKey::read(&certificate).unwrap();
        assert_eq!(key.fingerprint().to_string(), fingerprint);
    }
}

#[test]
fn keys_that_cannot_sign_or_are_not_rsa_of_2048_bits_are_refused() {
    let gnupg = Gnupg::default();
    for (name, kind, usage, why) in [
        (
            "certifies@example.org",
            "rsa2048",
            "cert",
            "not meant for signing",
        ),
        (
            "large@example.org",
            "rsa3072",
            "sign",
            "not an RSA key of 2048 bits",
        ),
        (
            "modern@example.org",
            "ed25519",
            "sign",
            "not an RSA key of 2048 bits",
        ),
    ] {
        gnupg.make_key(name, kind, usage, "never");
        let error = PublisherKey::read(&gnupg.export(name)).unwrap_err();
        assert!(error.to_string().contains(why), "{name}: {error}");
    }
}
