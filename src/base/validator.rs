//! Identifies versions of a file on a server, so that pieces of different versions are not combined.

use reqwest::header::{ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use serde::{Deserialize, Serialize};

/// A validator for `If-Range` (RFC 9110, 13.1.5).
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
        let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
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

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
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
