//! Downloads small files into memory.

use std::io::Read;

use reqwest::StatusCode;
use reqwest::blocking::Client;
use url::Url;

use crate::base::Connection;
use crate::base::answer::Answer;
use crate::base::retry::Backoff;
use crate::base::transfer::{Failure, ask, refused};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;

/// Limit for a text in bytes. The publisher's list of images has several hundred thousand.
const MAX_TEXT_SIZE: u64 = 16 << 20;

/// The remedy when the publisher cannot be reached.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY)";

/// Downloads a text, with retries.
pub(super) fn fetch_text(
    client: &Client,
    url: &Url,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<String> {
    match fetch(client, url, MAX_TEXT_SIZE, connection, progress)? {
        Found::Document(bytes) => {
            String::from_utf8(bytes).context(Category::Verification, || format!("{url} is not a text file"))
        }
        Found::Missing(error) => Err(error),
    }
}

/// The result of a download.
pub(super) enum Found {
    /// The content of the file.
    Document(Vec<u8>),
    /// The server has no such file.
    Missing(Error),
}

/// Downloads a file of at most `max_size` bytes, with retries.
pub(super) fn fetch(
    client: &Client,
    url: &Url,
    max_size: u64,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<Found> {
    let mut backoff = Backoff::new(connection, progress);
    loop {
        match attempt(client, url, max_size, connection) {
            Ok(found) => return Ok(found),
            Err(Failure::Retry(error, after)) => {
                backoff.wait(error, after, "run the same command again later")?;
            }
            Err(Failure::Lookup(error)) => {
                backoff.wait_for_lookup(error, "run the same command again later")?;
            }
            Err(Failure::Permanent(error) | Failure::Corrupt(error)) => return Err(error),
        }
    }
}

fn attempt(client: &Client, url: &Url, max_size: u64, connection: &Connection) -> Result<Found, Failure> {
    let response = ask(client, url, connection, 0, None, NO_NETWORK)?;
    match Answer::read(response.status(), response.headers(), 0, None) {
        Answer::Whole { .. } => {}
        Answer::RetryLater(after) => return Err(Failure::Retry(refused(&response), after)),
        Answer::Permanent(remedy)
            if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) =>
        {
            return Ok(Found::Missing(refused(&response).with_remedy(remedy)));
        }
        Answer::Permanent(remedy) => return Err(refused(&response).with_remedy(remedy).into()),
        // The whole file was requested.
        Answer::Rest { .. } | Answer::StartOver(_) => return Err(refused(&response).into()),
    }
    let mut bytes = Vec::new();
    response
        .take(max_size.saturating_add(1))
        .read_to_end(&mut bytes)
        .context(Category::Network, || format!("{url} was cut off"))
        .map_err(|error| Failure::Retry(error, None))?;
    if bytes.len() as u64 > max_size {
        let what = format!("{url} has more than {max_size} bytes");
        return Err(Error::new(Category::Verification, what).into());
    }
    Ok(Found::Document(bytes))
}
