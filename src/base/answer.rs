//! Interprets a server's answer to a request for a file or the rest of it.

use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::base::retry::{Failure, Kind, retry_after};
use crate::error::{Category, Error};

/// The content that follows an answer's headers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// `true` for the requested rest of the file, `false` for the whole file.
    pub(super) is_rest: bool,
    /// The size of the whole file in bytes.
    pub(super) total: Option<u64>,
}

impl Content {
    /// Interprets status and headers of an answer from `url`. The request was for everything after the first `have` bytes,
    /// whose version is `validator`.
    pub(super) fn read(
        url: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        have: u64,
        validator: Option<&Validator>,
    ) -> Result<Self, Failure> {
        let answered = || Error::new(Category::Network, format!("{url} answers {status}"));
        let start_over = |why: &str| Err(Kind::StartOver.of(Error::new(Category::Network, why)));
        let refused = |kind: Kind, remedy: &str| Err(kind.of(answered().with_remedy(remedy)));
        match status {
            StatusCode::OK => Ok(Self {
                is_rest: false,
                total: text(headers, CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            }),
            StatusCode::PARTIAL_CONTENT if validator.is_some_and(|ours| ours.contradicts(headers)) => {
                start_over("the server's file has changed")
            }
            StatusCode::PARTIAL_CONTENT => match text(headers, CONTENT_RANGE).and_then(content_range) {
                Some((start, total)) if start == have => Ok(Self { is_rest: true, total }),
                _ => start_over("the server sent a different range"),
            },
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                start_over("the server's file is shorter than the part")
            }
            _ if is_temporary(status) => {
                let asked = text(headers, RETRY_AFTER);
                let asked = asked.and_then(|asked| retry_after(asked, SystemTime::now()));
                Err(Kind::Retry(asked).of(answered()))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => refused(
                Kind::Missing,
                "check the URL; `mkimage bases --refresh` lists the publisher's current images",
            ),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => refused(
                Kind::Permanent,
                "give the proxy's user and password, as in HTTPS_PROXY=http://user:password@proxy:3128",
            ),
            _ => refused(
                Kind::Permanent,
                "check the URL, or download the file some other way and use `--base FILE`",
            ),
        }
    }
}

fn is_temporary(status: StatusCode) -> bool {
    let busy = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_server_error() || busy.contains(&status)
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

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Identifies a version of a file on a server, so that pieces of different versions are not combined: a validator for
/// `If-Range` (RFC 9110, 13.1.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Validator {
    /// A strong entity tag, with its quotes.
    Etag(String),
    /// An HTTP date. It is ambiguous if the file changed twice within one second; the hash reveals that.
    LastModified(String),
}

impl Validator {
    /// Returns the best validator in a response.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| text(headers, name).map(str::to_owned);
        // A weak tag is not allowed in If-Range.
        text(ETAG)
            .filter(|tag| tag.starts_with('"'))
            .map(Self::Etag)
            .or_else(|| text(LAST_MODIFIED).map(Self::LastModified))
    }

    /// Returns the value for `If-Range`.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Etag(text) | Self::LastModified(text) => text,
        }
    }

    /// Returns whether a response with `headers` is certainly of another version.
    pub(super) fn contradicts(&self, headers: &HeaderMap) -> bool {
        let theirs = match self {
            Self::Etag(_) => headers.get(ETAG),
            Self::LastModified(_) => headers.get(LAST_MODIFIED),
        };
        theirs.is_some_and(|theirs| theirs.as_bytes() != self.as_str().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    fn read(status: u16, pairs: &[(HeaderName, &'static str)], have: u64) -> Result<Content, Kind> {
        let url = Url::parse("https://a.example/a.img.xz").unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let validator = Validator::Etag("\"a\"".to_owned());
        Content::read(&url, status, &headers(pairs), have, Some(&validator)).map_err(|failure| failure.kind)
    }

    fn rest(total: Option<u64>) -> Content {
        Content { is_rest: true, total }
    }

    #[test]
    fn only_the_requested_range_is_appended() {
        let with = |range| read(206, &[(CONTENT_RANGE, range)], 100);
        assert_eq!(with("bytes 100-199/200"), Ok(rest(Some(200))));
        assert_eq!(with("bytes 100-199/*"), Ok(rest(None)));
        for wrong in [
            "bytes 0-199/200",
            "bytes 101-199/200",
            "bytes 100-200/200",
            "bytes */200",
            "100-199/200",
            "",
        ] {
            assert_eq!(with(wrong), Err(Kind::StartOver), "{wrong}");
        }
        assert_eq!(read(206, &[], 100), Err(Kind::StartOver));
    }

    #[test]
    fn a_range_of_another_version_is_not_appended() {
        let range = (CONTENT_RANGE, "bytes 100-199/200");
        let other = read(206, &[range.clone(), (ETAG, "\"b\"")], 100);
        assert_eq!(other, Err(Kind::StartOver));
        assert_eq!(read(206, &[range, (ETAG, "\"a\"")], 100), Ok(rest(Some(200))));
    }

    #[test]
    fn permanent_errors_are_not_retried() {
        for status in [400, 401, 403, 407, 451, 204, 304, 416] {
            assert_eq!(read(status, &[], 0), Err(Kind::Permanent), "{status}");
        }
        for status in [404, 410] {
            assert_eq!(read(status, &[], 0), Err(Kind::Missing), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(read(status, &[], 0), Err(Kind::Retry(None)), "{status}");
        }
        let asked = Some(Duration::from_secs(7));
        assert_eq!(read(503, &[(RETRY_AFTER, "7")], 0), Err(Kind::Retry(asked)));
        assert_eq!(read(416, &[], 5), Err(Kind::StartOver));
    }

    #[test]
    fn a_weak_tag_is_not_used_to_resume() {
        assert_eq!(Validator::of(&headers(&[(ETAG, "W/\"a\"")])), None);
        let dated = headers(&[
            (ETAG, "W/\"a\""),
            (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ]);
        assert!(matches!(Validator::of(&dated), Some(Validator::LastModified(_))));
        let strong = headers(&[(ETAG, "\"a\""), (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(Validator::of(&strong), Some(Validator::Etag("\"a\"".to_owned())));
    }

    #[test]
    fn a_different_tag_means_a_different_version() {
        let ours = Validator::Etag("\"a\"".to_owned());
        assert!(ours.contradicts(&headers(&[(ETAG, "\"b\"")])));
        assert!(!ours.contradicts(&headers(&[(ETAG, "\"a\"")])));
        assert!(!ours.contradicts(&headers(&[])));
    }
}
