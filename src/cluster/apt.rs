//! `[apt]`: the source of Debian packages.

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::problem::{Findings, Text};

/// The table as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AptTable {
    proxy: Text,
    mirror: Text,
}

/// `[apt]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Apt {
    /// `http://host:port` of a caching proxy.
    pub proxy: Option<String>,
    /// Debian mirror to use instead of the image's own.
    pub mirror: Option<String>,
}

impl AptTable {
    pub(super) fn check(self, findings: &mut Findings<'_>) -> Apt {
        for (key, entry, example) in [
            ("proxy", &self.proxy, "http://192.168.1.5:3142"),
            ("mirror", &self.mirror, "http://mirror.example.org/debian"),
        ] {
            // The value is not repeated, because it may contain a password.
            if let Some(entry) = entry
                && let Err(why) = check_url(entry.get_ref(), key == "mirror")
            {
                let message = format!("{key} {why}");
                let remedy = format!("write it like \"{example}\"");
                findings.problem(entry.span(), message, remedy);
            }
        }
        Apt {
            proxy: self.proxy.map(Spanned::into_inner),
            mirror: self.mirror.map(Spanned::into_inner),
        }
    }
}

/// Checks that apt accepts the text as a URL, with a path only if `allow_path`.
fn check_url(text: &str, allow_path: bool) -> Result<(), &'static str> {
    // Excludes what apt.conf, sources.list or a shell may read as syntax.
    let plain = |c: char| c.is_ascii_graphic() && !"\"'`$\\;{}()<>|&*!#".contains(c);
    if !text.chars().all(plain) {
        return Err("contains a character that is not allowed in a URL here");
    }
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("does not start with http:// or https://");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a login, which every user of a node could read");
    }
    if url.query().is_some() || (!allow_path && url.path() != "/") {
        return Err("continues after the host and port");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_reach_apt() {
        for good in [
            "http://192.168.1.5:3142",
            "http://cache.lan:3142/",
            "https://[fd00::1]:80",
        ] {
            assert_eq!(check_url(good, false), Ok(()), "{good}");
        }
        assert_eq!(check_url("http://mirror.example.org/debian", true), Ok(()));
        for bad in [
            "",
            "192.168.1.5:3142",
            "ftp://x",
            "http://",
            "http://u:p@host",
            "http://h/path",
            "http://h\";x",
            "http://h'",
            "http://h y",
            "file:///etc",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
    }
}
