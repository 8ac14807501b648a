//! Signatures that vouch for a file.

use crate::{FILE, PUBLISHER, STRANGER, check, publisher};
use test_support::gnupg::{Gnupg, YEAR_2026};

#[test]
fn the_publishers_signature_vouches_for_a_file_as_text_and_as_bytes() {
    let (gnupg, key) = publisher();
    let text = gnupg.sign(PUBLISHER, FILE);
    assert!(gnupg.judge(&text, FILE).contains(&"VALIDSIG".to_owned()));
    let windows = String::from_utf8(text.clone()).unwrap().replace('\n', "\r\n");
    let commented = gnupg.sign_with(
        YEAR_2026,
        &["--armor", "--comment", "with a: comment", "--emit-version"],
        FILE,
    );
    let binary = gnupg.sign_with(YEAR_2026, &[], FILE);
    // Notations may be ignored unless they are critical.
    let noted = gnupg.sign_with(YEAR_2026, &["--set-notation", "mark@example.org=1"], FILE);
    let for_ten_years = gnupg.sign_with(YEAR_2026, &["--default-sig-expire", "10y"], FILE);
    for signature in [
        text,
        windows.into_bytes(),
        commented,
        binary,
        noted,
        for_ten_years,
    ] {
        assert_eq!(
            check(&signature, &key, FILE),
            Ok(()),
            "{:?}",
            String::from_utf8_lossy(&signature)
        );
    }
}

#[test]
fn an_empty_file_can_be_signed() {
    let (gnupg, key) = publisher();
    assert_eq!(check(&gnupg.sign(PUBLISHER, b""), &key, b""), Ok(()));
}

#[test]
fn others_may_sign_too() {
    let (gnupg, key) = publisher();
    gnupg.make_key(STRANGER, "rsa2048", "sign", "never");
    let ours = gnupg.sign(PUBLISHER, FILE);
    let other_kind = Gnupg::default();
    other_kind.make_key("modern@example.org", "ed25519", "sign", "never");
    for signatures in [
        gnupg.sign_with(YEAR_2026, &["-u", PUBLISHER, "-u", STRANGER], FILE),
        gnupg.sign_with(YEAR_2026, &["--armor", "-u", STRANGER, "-u", PUBLISHER], FILE),
        // Two texts, one after the other; the stranger's, which does not count, is of another file.
        [&*ours, &gnupg.sign(STRANGER, b"another file")].concat(),
        [&*other_kind.sign("modern@example.org", FILE), &ours].concat(),
    ] {
        assert_eq!(check(&signatures, &key, FILE), Ok(()));
    }
}
