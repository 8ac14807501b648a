//! The HTTP client: settings, redirects, requests, and downloads of small files.

use std::error::Error as StdError;
use std::io::Read as _;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::redirect::{Attempt, Policy};
use url::Url;

use crate::base::answer::{Content, Validator};
use crate::base::retry::{Backoff, Failure, Kind};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;

/// Limit for redirects of one request. Browsers follow about twenty; the publisher needs one.
const MAX_REDIRECTS: usize = 10;

/// Limit for a text in bytes. The publisher's list of images has several hundred thousand.
const MAX_TEXT_SIZE: u64 = 16 << 20;

/// The remedy when the publisher cannot be reached.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY)";

/// Timeouts, retries and the proxy. Only tests change the defaults.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Limit for connecting to a server.
    pub connect_timeout: Duration,
    /// Limit for waiting without a byte. There is no limit for the whole download.
    pub stall_timeout: Duration,
    /// Limit for consecutive failures without a new byte.
    pub attempts: u32,
    /// The wait after the first failure. It doubles after each further one.
    pub first_wait: Duration,
    /// Limit for the wait between two attempts. If a server asks for more, the download fails.
    pub longest_wait: Duration,
    /// `true` for the proxy in `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings.
    pub use_proxy: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(60),
            attempts: 6,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            use_proxy: true,
        }
    }
}

pub(super) struct Http<'a> {
    client: Client,
    pub(super) connection: &'a Connection,
}

impl<'a> Http<'a> {
    pub(super) fn new(connection: &'a Connection) -> Result<Self> {
        // Fails if the process already has one, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
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
        if !connection.use_proxy {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .context(Category::Network, || "creating the HTTP client".to_owned())
            .map_err(|error| error.with_remedy("on Linux, install the package `ca-certificates`"))?;
        Ok(Self { client, connection })
    }

    /// Requests a file without its first `have` bytes, or the whole file if its version is not that of `validator`. `remedy`
    /// is for a failing network.
    pub(super) fn ask(
        &self,
        url: &Url,
        have: u64,
        validator: Option<&Validator>,
        remedy: &str,
    ) -> Result<(Response, Content), Failure> {
        // A compressed answer would have another hash and could not be resumed.
        let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
            if let Some(validator) = validator {
                request = request.header(IF_RANGE, validator.as_str());
            }
        }
        let response = request.send().map_err(|error| self.explain(error, url, remedy))?;
        // After redirects, this is the URL of the server that answered.
        let from = response.url();
        let content = Content::read(from, response.status(), response.headers(), have, validator)?;
        Ok((response, content))
    }

    /// Downloads a text, with retries.
    pub(super) fn fetch_text(&self, url: &Url, progress: &dyn Progress) -> Result<String> {
        let bytes = self
            .fetch(url, MAX_TEXT_SIZE, progress)
            .map_err(|failure| failure.error)?;
        String::from_utf8(bytes).context(Category::Verification, || format!("{url} is not a text file"))
    }

    /// Downloads a file of at most `max_size` bytes into memory, with retries.
    pub(super) fn fetch(
        &self,
        url: &Url,
        max_size: u64,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, Failure> {
        let mut backoff = Backoff::new(self.connection, progress);
        loop {
            match self.fetch_once(url, max_size) {
                Ok(bytes) => return Ok(bytes),
                Err(failure) => backoff.wait(failure, "run the same command again later")?,
            }
        }
    }

    fn fetch_once(&self, url: &Url, max_size: u64) -> Result<Vec<u8>, Failure> {
        let (response, content) = self.ask(url, 0, None, NO_NETWORK)?;
        if content.is_rest {
            let what = format!("{url} answers with a part of the file");
            return Err(Error::new(Category::Network, what).into());
        }
        let mut bytes = Vec::new();
        response
            .take(max_size.saturating_add(1))
            .read_to_end(&mut bytes)
            .context(Category::Network, || format!("{url} was cut off"))
            .map_err(|error| Kind::Retry(None).of(error))?;
        if bytes.len() as u64 > max_size {
            let what = format!("{url} has more than {max_size} bytes");
            return Err(Error::new(Category::Verification, what).into());
        }
        Ok(bytes)
    }

    /// Explains a request without an answer to the user. `remedy` is for a failing network.
    fn explain(&self, error: reqwest::Error, url: &Url, remedy: &str) -> Failure {
        let what = if error.is_timeout() && !error.is_connect() {
            let waited = self.connection.stall_timeout.as_secs_f32();
            format!("{url} has not answered for {waited} s")
        } else {
            format!("{url} cannot be reached")
        };
        let has_wrong_certificate = mentions_certificate(&error);
        let remedy = if has_wrong_certificate {
            "check this computer's clock and, behind a filtering proxy, its certificates"
        } else {
            remedy
        };
        let explained = Error::new(Category::Network, what).with_remedy(remedy);
        if error.is_dns() && !has_wrong_certificate {
            // The resolver's own message is the clearest.
            let cause = causes(&error)
                .last()
                .map_or_else(String::new, ToString::to_string);
            return Kind::Lookup.of(explained.with_cause(cause));
        }
        let kind = if has_wrong_certificate || error.is_redirect() || error.is_builder() {
            Kind::Permanent
        } else {
            Kind::Retry(None)
        };
        // The message already contains the URL.
        kind.of(explained.with_cause(error.without_url()))
    }
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

/// Returns whether the error is about a certificate. The TLS library's error types are not part of the client's API.
fn mentions_certificate(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().contains("certificate"))
}

/// Returns the error and everything that it was caused by.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &dyn StdError> {
    std::iter::successors(Some(error as &dyn StdError), |error| (*error).source())
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
