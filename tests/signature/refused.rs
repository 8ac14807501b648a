//! Signatures that do not vouch for a file, whatever else is right about them.

use mkimage::signature::Rejection;

use crate::{FILE, NOW, PUBLISHER, STRANGER, check, check_at, key_with, publisher};
use test_support::gnupg::{Gnupg, YEAR_2026};

/// Seconds from 1970 to the years that keys and signatures are made in.
const IN_2025: u64 = 1_735_689_600;
const IN_2026: u64 = 1_767_225_600;
const DAY: u64 = 86_400;

#[test]
fn a_signature_of_another_file_is_refused() {
    let (gnupg, key) = publisher();
    let signature = gnupg.sign(PUBLISHER, b"another file");
    assert!(gnupg.judge(&signature, FILE).contains(&"BADSIG".to_owned()));
    assert_eq!(check(&signature, &key, FILE), Err(Rejection::OtherFile));
    let signature = gnupg.sign(PUBLISHER, FILE);
    for file in [&FILE[..FILE.len() - 1], &[FILE, b"x"].concat(), b""] {
        assert_eq!(check(&signature, &key, file), Err(Rejection::OtherFile));
    }
}

#[test]
fn a_signature_with_another_key_is_refused() {
    let (gnupg, key) = publisher();
    let stranger = gnupg.make_key(STRANGER, "rsa2048", "sign", "never");
    let rejection = check(&gnupg.sign(STRANGER, FILE), &key, FILE).unwrap_err();
    assert!(matches!(rejection, Rejection::OtherKey { .. }), "{rejection}");
    assert!(rejection.to_string().contains(&stranger[24..]), "{rejection}");
    assert!(
        rejection.to_string().contains(&gnupg.fingerprint(PUBLISHER)),
        "{rejection}"
    );
}

#[test]
fn a_sub_key_is_another_key() {
    let (gnupg, key) = publisher();
    let fingerprint = gnupg.fingerprint(PUBLISHER);
    gnupg.run(
        YEAR_2026,
        &["--quick-add-key", &fingerprint, "rsa2048", "sign", "never"],
        b"",
    );
    let signature = gnupg.sign(PUBLISHER, FILE);
    assert!(gnupg.judge(&signature, FILE).contains(&"VALIDSIG".to_owned()));
    let rejection = check(&signature, &key, FILE).unwrap_err();
    assert!(matches!(rejection, Rejection::OtherKey { .. }), "{rejection}");
    assert_eq!(
        check(&gnupg.sign(&format!("{fingerprint}!"), FILE), &key, FILE),
        Ok(())
    );
}

#[test]
fn one_bad_signature_of_the_publisher_spoils_the_good_ones() {
    let (gnupg, key) = publisher();
    let good = gnupg.sign(PUBLISHER, FILE);
    let of_another_file = gnupg.sign(PUBLISHER, b"another file");
    let sha1 = gnupg.sign_with(YEAR_2026, &["--armor", "--digest-algo", "SHA1"], FILE);
    for (bad, rejection) in [
        (of_another_file, Rejection::OtherFile),
        (sha1, Rejection::OtherHash(2)),
    ] {
        for both in [[&*good, &bad].concat(), [&*bad, &good].concat()] {
            assert_eq!(check(&both, &key, FILE), Err(rejection.clone()));
        }
    }
}

#[test]
fn digests_other_than_sha_512_are_refused() {
    let (gnupg, key) = publisher();
    for (name, number) in [
        ("SHA1", 2),
        ("RIPEMD160", 3),
        ("SHA256", 8),
        ("SHA384", 9),
        ("SHA224", 11),
    ] {
        let signature = gnupg.sign_with(YEAR_2026, &["--digest-algo", name], FILE);
        let rejection = check(&signature, &key, FILE).unwrap_err();
        assert_eq!(rejection, Rejection::OtherHash(number));
        assert!(rejection.to_string().contains("SHA-512"), "{rejection}");
    }
}

#[test]
fn only_signatures_of_whole_files_count() {
    let (gnupg, key) = publisher();
    let text = gnupg.sign_with(YEAR_2026, &["--textmode"], FILE);
    assert_eq!(check(&text, &key, FILE), Err(Rejection::OtherKind(1)));
    for option in ["--sign", "--clear-sign"] {
        let signed = gnupg.run(YEAR_2026, &["--digest-algo", "SHA512", option], FILE);
        let rejection = check(&signed, &key, FILE).unwrap_err();
        assert!(
            matches!(rejection, Rejection::Malformed(_)),
            "{option}: {rejection}"
        );
    }
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let (gnupg, key) = publisher();
    let signature = gnupg.sign_with(YEAR_2026, &["--set-notation", "!mark@example.org=1"], FILE);
    assert_eq!(check(&signature, &key, FILE), Err(Rejection::NotUnderstood(20)));
}

#[test]
fn a_clock_that_is_slow_is_named() {
    let (gnupg, key) = publisher();
    let signature = gnupg.sign(PUBLISHER, FILE);
    for now in [0, IN_2025, IN_2026 - 1] {
        let rejection = check_at(now, &signature, &key, FILE).unwrap_err();
        assert_eq!(rejection, Rejection::FromTheFuture { made: IN_2026, now });
        assert!(rejection.remedy().contains("clock"));
    }
    assert_eq!(check_at(IN_2026, &signature, &key, FILE), Ok(()));
}

#[test]
fn signatures_and_keys_that_have_expired_are_refused() {
    let (gnupg, key) = publisher();
    let signature = gnupg.sign_with(YEAR_2026, &["--default-sig-expire", "10d"], FILE);
    let expired = IN_2026 + 10 * DAY;
    assert_eq!(check_at(expired - 1, &signature, &key, FILE), Ok(()));
    let rejection = check(&signature, &key, FILE).unwrap_err();
    assert_eq!(rejection, Rejection::Expired { expired, now: NOW });

    let signature = gnupg.sign(PUBLISHER, FILE);
    let expired = IN_2025 + 3650 * DAY;
    assert_eq!(check_at(expired - 1, &signature, &key, FILE), Ok(()));
    let rejection = check_at(expired, &signature, &key, FILE).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::KeyExpired {
            expired,
            now: expired
        }
    );
    assert!(rejection.remedy().contains("clock"));
}

#[test]
fn a_signature_from_before_or_after_the_keys_time_is_refused() {
    let (gnupg, key) = publisher();
    let early = ["--ignore-time-conflict", "--ignore-valid-from"];
    let signature = gnupg.sign_with("20241231T000000", &early, FILE);
    let (made, key_made) = (IN_2025 - DAY, IN_2025);
    let rejection = check(&signature, &key, FILE).unwrap_err();
    assert_eq!(rejection, Rejection::OlderThanKey { made, key: key_made });

    let signature = gnupg.sign(PUBLISHER, FILE);
    gnupg.run(
        "20250101T000001",
        &[
            "--quick-set-expire",
            &gnupg.fingerprint(PUBLISHER),
            "20250601T000000",
        ],
        b"",
    );
    let key = key_with(&gnupg.numbers(PUBLISHER));
    let expired = IN_2025 + 151 * DAY;
    let rejection = check(&signature, &key, FILE).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::MadeWithExpiredKey {
            made: IN_2026,
            expired
        }
    );
}

#[test]
fn a_key_of_another_kind_makes_no_signature_that_counts() {
    let (_, key) = publisher();
    let gnupg = Gnupg::default();
    gnupg.make_key(STRANGER, "ed25519", "sign", "never");
    let rejection = check(&gnupg.sign(STRANGER, FILE), &key, FILE).unwrap_err();
    assert!(matches!(rejection, Rejection::OtherKey { .. }), "{rejection}");
}

#[test]
fn a_key_with_the_same_short_name_is_another_key() {
    let (gnupg, mut key) = publisher();
    let signature = gnupg.sign(PUBLISHER, FILE);
    assert_eq!(check(&signature, &key, FILE), Ok(()));
    key.fingerprint.0[0] ^= 1;
    let rejection = check(&signature, &key, FILE).unwrap_err();
    assert!(matches!(rejection, Rejection::OtherKey { .. }), "{rejection}");
}

#[test]
fn a_signature_that_only_names_the_publishers_key_is_refused() {
    let (gnupg, mut key) = publisher();
    gnupg.make_key(STRANGER, "rsa2048", "sign", "10y");
    key.modulus = key_with(&gnupg.numbers(STRANGER)).modulus;
    let signature = gnupg.sign(PUBLISHER, FILE);
    assert_eq!(check(&signature, &key, FILE), Err(Rejection::OtherFile));
}
