//! How long to wait before trying again, and when to give up.

use std::thread;
use std::time::{Duration, SystemTime};

use crate::base::Connection;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// How much of it is left: counts the failures in a row.
pub(super) struct Patience<'a> {
    connection: &'a Connection,
    progress: &'a dyn Progress,
    failures: u32,
    /// What the last of them was, in words.
    last: String,
}

impl<'a> Patience<'a> {
    /// All of it.
    pub(super) fn new(connection: &'a Connection, progress: &'a dyn Progress) -> Self {
        Self {
            connection,
            progress,
            failures: 0,
            last: String::new(),
        }
    }

    /// Something came of the last attempt, so what failed before it does not count.
    pub(super) fn restore(&mut self) {
        self.failures = 0;
        self.last.clear();
    }

    /// Waits after a failure: as long as the server asked for, at least as long as is polite. Fails when it is not
    /// worth the wait any more; `then` is what the user can do in that case, unless the error knows better.
    pub(super) fn wait(&mut self, error: Error, asked: Option<Duration>, then: &str) -> Result<()> {
        self.failures = self.failures.saturating_add(1);
        let wait = backoff(self.failures, self.connection).max(asked.unwrap_or_default());
        let what = if self.failures >= self.connection.attempts {
            format!("giving up after {} attempts", self.failures)
        } else if wait > self.connection.longest_wait {
            format!("the server asks to come back in {}", seconds(wait))
        } else {
            let happened = error.to_string();
            // Told in full once: an address of two lines, six times over, hides what is wrong.
            let what = if happened == self.last {
                "no better"
            } else {
                &happened
            };
            self.progress
                .warn(&format!("{what}; trying again in {}", seconds(wait)));
            self.last = happened;
            thread::sleep(wait);
            return Ok(());
        };
        let remedy = error.remedy().unwrap_or(then).to_owned();
        Err(Error::new(error.category(), what)
            .with_cause(error)
            .with_remedy(remedy))
    }
}

fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_secs_f32().ceil())
}

/// The wait after the `failures`th failure in a row: doubling from the first one, no longer than the longest, and
/// of that a random half to whole, so that many computers that lost one server do not come back together.
fn backoff(failures: u32, connection: &Connection) -> Duration {
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
