//! OpenPGP signatures of a file, as packets or text.

use std::time::{Duration, UNIX_EPOCH};

use crate::signature::{Content, Detached, PublisherKey};

/// Seconds from 1970 to a day on which the publisher's key is valid.
const NOW: u64 = 1_795_000_000;

/// The publisher has not signed an empty file, so nothing may pass.
pub(super) fn signature(data: &[u8]) {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    match Detached::read(data, &PublisherKey::RASPBERRY_PI, now) {
        Ok(detached) => assert!(
            detached.verify(&Content::default()).is_err(),
            "a forged signature"
        ),
        Err(rejection) => drop(rejection.to_string()),
    }
}
