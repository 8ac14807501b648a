//! The HTTP client and its redirect policy.

use std::error::Error as StdError;

use reqwest::blocking::Client;
use reqwest::redirect::{Attempt, Policy};
use url::Url;

use crate::base::{Connection, Proxy};
use crate::error::{Category, Context, Error, Result};

/// Limit for redirects of one request. Browsers follow about twenty; the publisher needs one.
const MAX_REDIRECTS: usize = 10;

/// Returns a client with the settings in `connection`.
pub(super) fn client(connection: &Connection) -> Result<Client> {
    // Fails if the process already has one, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("mkimage/", env!("CARGO_PKG_VERSION")))
        .referer(false)
        .connect_timeout(connection.connect_timeout)
        // In the blocking client, this limits each wait for bytes, not the whole body.
        .timeout(connection.stall_timeout)
        .redirect(Policy::custom(|attempt: Attempt| {
            match refusal(attempt.previous(), attempt.url()) {
                Some(reason) => attempt.error(reason),
                None => attempt.follow(),
            }
        }));
    let builder = match connection.proxy {
        Proxy::System => builder,
        Proxy::None => builder.no_proxy(),
    };
    builder
        .build()
        .context(Category::Network, || "creating the HTTP client".to_owned())
        .map_err(|error| error.with_remedy("on Linux, install the package `ca-certificates`"))
}

/// Returns the reason to refuse a redirect.
fn refusal(previous: &[Url], next: &Url) -> Option<String> {
    if previous.len() > MAX_REDIRECTS {
        return Some(format!("it redirects more than {MAX_REDIRECTS} times"));
    }
    match next.scheme() {
        "https" => None,
        "http" if previous.iter().all(|url| url.scheme() == "http") => None,
        "http" => Some(format!("it redirects to {next}, which is not encrypted")),
        _ => Some(format!("it redirects to {next}, which is not a web address")),
    }
}

/// Whether retrying a request without an answer can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// It can.
    Useful,
    /// The name of the server or of the proxy cannot be resolved, so it helps only while the network is coming up.
    Lookup,
    /// It cannot.
    Useless,
}

/// Explains a request without an answer to the user, and returns whether a retry can help. `remedy` is for a failing network.
pub(super) fn explain(
    error: reqwest::Error,
    url: &Url,
    connection: &Connection,
    remedy: &str,
) -> (Error, Retry) {
    let what = if error.is_timeout() && !error.is_connect() {
        format!(
            "{url} has not answered for {} s",
            connection.stall_timeout.as_secs_f32()
        )
    } else {
        format!("{url} cannot be reached")
    };
    let certificate = mentions_certificate(&error);
    let retry = if certificate || error.is_redirect() || error.is_builder() {
        Retry::Useless
    } else if error.is_dns() {
        Retry::Lookup
    } else {
        Retry::Useful
    };
    let remedy = if certificate {
        "check this computer's clock and, behind a filtering proxy, its certificates"
    } else {
        remedy
    };
    let explained = Error::new(Category::Network, what).with_remedy(remedy);
    let explained = match retry {
        // The resolver's own message is the clearest.
        Retry::Lookup => explained.with_cause(deepest_cause(&error).to_string()),
        // The message already contains the URL.
        Retry::Useful | Retry::Useless => explained.with_cause(error.without_url()),
    };
    (explained, retry)
}

fn deepest_cause(error: &reqwest::Error) -> &dyn StdError {
    let mut deepest: &dyn StdError = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest
}

/// Returns whether the error is about a certificate. The TLS library's error types are not part of the client's API.
fn mentions_certificate(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<Url> {
        texts.iter().map(|text| Url::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_redirect_never_leaves_https() {
        let http = Url::parse("http://b.example/").unwrap();
        let https = Url::parse("https://b.example/").unwrap();
        let file = Url::parse("file:///etc/passwd").unwrap();
        assert_eq!(refusal(&urls(&["https://a.example/"]), &https), None);
        assert_eq!(refusal(&urls(&["http://a.example/"]), &https), None);
        assert_eq!(refusal(&urls(&["http://a.example/"]), &http), None);
        assert!(refusal(&urls(&["https://a.example/"]), &http).is_some());
        assert!(
            refusal(
                &urls(&["http://a.example/", "https://a.example/", "https://c.example/"]),
                &http
            )
            .is_some()
        );
        assert!(refusal(&urls(&["https://a.example/"]), &file).is_some());
    }

    #[test]
    fn the_number_of_redirects_is_limited() {
        let https = Url::parse("https://b.example/").unwrap();
        assert_eq!(
            refusal(&urls(&["https://a.example/"; MAX_REDIRECTS]), &https),
            None
        );
        assert!(refusal(&urls(&["https://a.example/"; MAX_REDIRECTS + 1]), &https).is_some());
    }
}
