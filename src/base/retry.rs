//! Failures of requests, the waits between attempts and the decision to give up.

use std::thread;
use std::time::{Duration, SystemTime};

use crate::base::Connection;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// The number of times that a name is looked up. The computer's resolver retries by itself, so the second time only
/// covers a network that is just coming up.
const LOOKUPS: u32 = 2;

/// The reason why a request did not complete a file.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) kind: Kind,
}

/// The way to go on after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Another attempt, after the wait that the server asks for.
    Retry(Option<Duration>),
    /// A name cannot be resolved, so another attempt helps only while the network is coming up.
    Lookup,
    /// Another attempt, after the bytes received so far are discarded.
    StartOver,
    /// Nothing: the server has no such file.
    Missing,
    /// Nothing.
    Permanent,
    /// Nothing, and the bytes received so far are useless.
    Corrupt,
}

impl Kind {
    pub(super) fn of(self, error: Error) -> Failure {
        Failure { error, kind: self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Kind::Permanent.of(error)
    }
}

/// Counts consecutive failures and waits longer after each.
pub(super) struct Backoff<'a> {
    connection: &'a Connection,
    progress: &'a dyn Progress,
    failures: u32,
    last_message: String,
}

impl<'a> Backoff<'a> {
    pub(super) fn new(connection: &'a Connection, progress: &'a dyn Progress) -> Self {
        Self {
            connection,
            progress,
            failures: 0,
            last_message: String::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
        self.last_message.clear();
    }

    /// Waits after a failure, at least as long as the server asked for. Returns the failure if no attempt can help any more,
    /// with `remedy` unless it has one.
    pub(super) fn wait(&mut self, failure: Failure, remedy: &str) -> Result<(), Failure> {
        let (attempts, asked) = match failure.kind {
            Kind::Retry(asked) => (self.connection.attempts, asked.unwrap_or_default()),
            Kind::Lookup => (LOOKUPS.min(self.connection.attempts), Duration::ZERO),
            _ => return Err(failure),
        };
        let error = failure.error;
        self.failures = self.failures.saturating_add(1);
        let wait = delay(self.failures, self.connection).max(asked);
        let what = if self.failures >= attempts {
            format!("giving up after {} attempts", self.failures)
        } else if wait > self.connection.longest_wait {
            format!("the server asks to wait {}", seconds(wait))
        } else {
            let message = error.to_string();
            // The full message is shown once, because repeating a long URL hides the problem.
            let what = if message == self.last_message {
                "still failing"
            } else {
                &message
            };
            self.progress
                .warn(&format!("{what}; trying again in {}", seconds(wait)));
            self.last_message = message;
            thread::sleep(wait);
            return Ok(());
        };
        let remedy = error.remedy().unwrap_or(remedy).to_owned();
        let error = Error::new(error.category(), what).with_cause(error);
        Err(error.with_remedy(remedy).into())
    }
}

fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_secs_f32().ceil())
}

/// Returns the wait after a number of consecutive failures. It doubles up to the longest wait and is shortened by a
/// random part of up to half, so that many clients of a failed server do not return at the same moment.
fn delay(failures: u32, connection: &Connection) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let wait = connection
        .first_wait
        .saturating_mul(doubled)
        .min(connection.longest_wait);
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Parses `Retry-After` (RFC 9110, 10.2.3): seconds or a date.
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
    fn waits_double_and_stay_within_bounds() {
        let connection = Connection {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            ..Connection::default()
        };
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            let longest = Duration::from_secs(longest);
            for _ in 0..50 {
                let wait = delay(failures, &connection);
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
