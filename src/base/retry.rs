//! How long to wait before trying again.

use std::time::{Duration, SystemTime};

use crate::base::Connection;

/// The wait after the `failures`th failure in a row: doubling from the first one, no longer than the longest, and
/// of that a random half to whole, so that many computers that lost one server do not come back together.
pub(super) fn backoff(failures: u32, connection: &Connection) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let wait = connection
        .first_wait
        .saturating_mul(doubled)
        .min(connection.longest_wait);
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// What `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_within_their_bounds() {
        let connection = Connection {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            ..Connection::default()
        };
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            let longest = Duration::from_secs(longest);
            for _ in 0..50 {
                let wait = backoff(failures, &connection);
                assert!(wait >= longest / 2 && wait <= longest, "{failures}: {wait:?}");
            }
        }
    }

    #[test]
    fn a_server_may_ask_for_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:07 GMT").unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }
}
