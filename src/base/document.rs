//! Downloads small files into memory.

use std::io::Read;

use url::Url;

use crate::base::client::Http;
use crate::base::retry::{Backoff, Failure, Kind};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;

/// Limit for a text in bytes. The publisher's list of images has several hundred thousand.
const MAX_TEXT_SIZE: u64 = 16 << 20;

/// The remedy when the publisher cannot be reached.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY)";

/// Downloads a text, with retries.
pub(super) fn fetch_text(http: &Http, url: &Url, progress: &dyn Progress) -> Result<String> {
    let bytes = fetch(http, url, MAX_TEXT_SIZE, progress).map_err(|failure| failure.error)?;
    String::from_utf8(bytes).context(Category::Verification, || format!("{url} is not a text file"))
}

/// Downloads a file of at most `max_size` bytes, with retries.
pub(super) fn fetch(
    http: &Http,
    url: &Url,
    max_size: u64,
    progress: &dyn Progress,
) -> Result<Vec<u8>, Failure> {
    let mut backoff = Backoff::new(http.connection, progress);
    loop {
        match attempt(http, url, max_size) {
            Ok(bytes) => return Ok(bytes),
            Err(failure) => backoff.wait(failure, "run the same command again later")?,
        }
    }
}

fn attempt(http: &Http, url: &Url, max_size: u64) -> Result<Vec<u8>, Failure> {
    let (response, content) = http.ask(url, 0, None, NO_NETWORK)?;
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
