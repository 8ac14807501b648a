//! Interprets a server's answer to a request for the rest of a download.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::base::retry::retry_after;
use crate::base::validator::Validator;

/// A server's answer, before the first byte of its body is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The whole file follows.
    Whole { total: Option<u64> },
    /// The requested rest of the file follows.
    Rest { total: Option<u64> },
    /// The existing part cannot be continued, for this reason.
    StartOver(&'static str),
    /// A temporary error, with the wait that the server asks for.
    RetryLater(Option<Duration>),
    /// A permanent error, with a remedy.
    Permanent(&'static str),
}

impl Answer {
    /// Interprets status and headers. The request was for everything after the first `have` bytes, whose version is
    /// `validator`.
    pub(super) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        have: u64,
        validator: Option<&Validator>,
    ) -> Self {
        match status {
            StatusCode::OK => Self::Whole {
                total: number(headers, CONTENT_LENGTH),
            },
            StatusCode::PARTIAL_CONTENT => partial(headers, have, validator),
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                Self::StartOver("the server's file is shorter than the part")
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                later(headers)
            }
            _ if status.is_server_error() => later(headers),
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::Permanent(
                "check the URL; `mkimage bases --refresh` lists the publisher's current images",
            ),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Self::Permanent(
                "give the proxy's user and password, as in HTTPS_PROXY=http://user:password@proxy:3128",
            ),
            _ => Self::Permanent("check the URL, or download the file some other way and use `--base FILE`"),
        }
    }
}

fn later(headers: &HeaderMap) -> Answer {
    let asked = headers
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?, SystemTime::now()));
    Answer::RetryLater(asked)
}

fn partial(headers: &HeaderMap, have: u64, validator: Option<&Validator>) -> Answer {
    if validator.is_some_and(|ours| ours.contradicts(headers)) {
        return Answer::StartOver("the server's file has changed");
    }
    let range = headers
        .get(CONTENT_RANGE)
        .and_then(|value| content_range(value.to_str().ok()?));
    match range {
        Some((start, total)) if start == have => Answer::Rest { total },
        _ => Answer::StartOver("the server sent a different range"),
    }
}

/// Returns the first byte and, if known, the total size in `bytes 100-199/1000` or `bytes 100-199/*` (RFC 9110, 14.4).
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    if total == "*" {
        return (first <= last).then_some((first, None));
    }
    let total = total.parse().ok()?;
    (first <= last && last < total).then_some((first, Some(total)))
}

fn number(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::ETAG;

    fn read(status: u16, pairs: &[(HeaderName, &'static str)], have: u64) -> Answer {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        let validator = Validator::Etag("\"a\"".to_owned());
        Answer::read(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            have,
            Some(&validator),
        )
    }

    #[test]
    fn only_the_requested_range_is_appended() {
        let with = |range| read(206, &[(CONTENT_RANGE, range)], 100);
        assert_eq!(with("bytes 100-199/200"), Answer::Rest { total: Some(200) });
        assert_eq!(with("bytes 100-199/*"), Answer::Rest { total: None });
        for wrong in [
            "bytes 0-199/200",
            "bytes 101-199/200",
            "bytes 100-200/200",
            "bytes */200",
            "100-199/200",
            "",
        ] {
            assert!(matches!(with(wrong), Answer::StartOver(_)), "{wrong}");
        }
        assert!(matches!(read(206, &[], 100), Answer::StartOver(_)));
    }

    #[test]
    fn a_range_of_another_version_is_not_appended() {
        let range = (CONTENT_RANGE, "bytes 100-199/200");
        assert!(matches!(
            read(206, &[range.clone(), (ETAG, "\"b\"")], 100),
            Answer::StartOver(_)
        ));
        assert_eq!(
            read(206, &[range, (ETAG, "\"a\"")], 100),
            Answer::Rest { total: Some(200) }
        );
    }

    #[test]
    fn permanent_errors_are_not_retried() {
        for status in [400, 401, 403, 404, 407, 410, 451, 204, 304, 416] {
            assert!(matches!(read(status, &[], 0), Answer::Permanent(_)), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(read(status, &[], 0), Answer::RetryLater(None), "{status}");
        }
        assert_eq!(
            read(503, &[(RETRY_AFTER, "7")], 0),
            Answer::RetryLater(Some(Duration::from_secs(7)))
        );
        assert!(matches!(read(416, &[], 5), Answer::StartOver(_)));
    }
}
