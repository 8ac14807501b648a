//! Signatures that were damaged, by chance or on purpose.

use std::ops::Range;

use mkimage::signature::{LARGEST, Rejection};
use proptest::prelude::*;

use crate::{FILE, PUBLISHER, check, publisher};
use test_support::gnupg::YEAR_2026;

/// Returns the place of the unsigned part in a binary signature of GnuPG's: after the packet's 3 bytes and the signed part.
fn unsigned_part(signature: &[u8]) -> Range<usize> {
    let length = |at: usize| usize::from(u16::from_be_bytes([signature[at], signature[at + 1]]));
    let start = 9 + length(7);
    start + 2..start + 2 + length(start)
}

#[test]
fn a_signature_that_is_cut_off_is_refused() {
    let (gnupg, key) = publisher();
    let binary = gnupg.sign_with(YEAR_2026, &[], FILE);
    for length in 0..binary.len() {
        let rejection = check(&binary[..length], &key, FILE).unwrap_err();
        assert!(
            matches!(rejection, Rejection::Malformed(_)),
            "{length}: {rejection}"
        );
    }
    let text = gnupg.sign(PUBLISHER, FILE);
    for length in 0..text.len() - 1 {
        let rejection = check(&text[..length], &key, FILE).unwrap_err();
        assert!(
            matches!(rejection, Rejection::Malformed(_)),
            "{length}: {rejection}"
        );
    }
    assert_eq!(check(&text[..text.len() - 1], &key, FILE), Ok(()));
}

#[test]
fn a_signature_too_large_to_be_one_is_not_read() {
    let (gnupg, key) = publisher();
    let mut text = gnupg.sign(PUBLISHER, FILE);
    text.resize(usize::try_from(LARGEST).unwrap(), b'\n');
    assert_eq!(check(&text, &key, FILE), Ok(()));
    text.push(b'\n');
    assert_eq!(
        check(&text, &key, FILE),
        Err(Rejection::Malformed("it is too large"))
    );
}

#[test]
fn a_single_bit_makes_a_signature_worthless_wherever_it_was_signed() {
    let (gnupg, key) = publisher();
    let binary = gnupg.sign_with(YEAR_2026, &[], FILE);
    let unsigned = unsigned_part(&binary);
    for bit in 0..binary.len() * 8 {
        let mut changed = binary.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if check(&changed, &key, FILE).is_ok() {
            assert!(unsigned.contains(&(bit / 8)), "bit {bit}");
        }
    }
}

#[test]
fn no_bytes_are_taken_for_a_signature_by_mistake() {
    let (gnupg, key) = publisher();
    let seeds = [
        gnupg.sign(PUBLISHER, FILE),
        gnupg.sign_with(YEAR_2026, &[], FILE),
        gnupg.run(YEAR_2026, &["--export", PUBLISHER], b""),
        // The start of a packet whose contents are anything.
        vec![0x88],
        vec![],
    ];
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    let tail = proptest::collection::vec(any::<u8>(), 0..300);
    proptest!(|(seed in 0..seeds.len(), changes in changes, tail in tail, cut in any::<prop::sample::Index>())| {
        let mut bytes = seeds[seed].clone();
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend(tail);
        for (at, value) in changes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
        }
        // Of another file than the seeds, so whatever comes of the changes it must be refused.
        prop_assert!(check(&bytes, &key, b"yet another file").is_err());
    });
}
