//! Downloads small files into memory.

use std::io::Read;

use reqwest::blocking::Client;
use url::Url;

use crate::base::Connection;
use crate::base::answer::Answer;
use crate::base::retry::Backoff;
use crate::base::transfer::{Failure, ask, refused};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;

/// Limit in bytes. The publisher's list of images has several hundred thousand.
const MAX_SIZE: u64 = 16 << 20;

/// The remedy when the publisher cannot be reached.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY)";

/// Downloads a text, with retries.
pub(super) fn fetch(
    client: &Client,
    url: &Url,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<String> {
    let mut backoff = Backoff::new(connection, progress);
    loop {
        match attempt(client, url, connection) {
            Ok(bytes) => {
                return String::from_utf8(bytes)
                    .context(Category::Verification, || format!("{url} is not a text file"));
            }
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

fn attempt(client: &Client, url: &Url, connection: &Connection) -> Result<Vec<u8>, Failure> {
    let response = ask(client, url, connection, 0, None, NO_NETWORK)?;
    match Answer::read(response.status(), response.headers(), 0, None) {
        Answer::Whole { .. } => {}
        Answer::RetryLater(after) => return Err(Failure::Retry(refused(&response), after)),
        Answer::Permanent(remedy) => return Err(refused(&response).with_remedy(remedy).into()),
        // The whole file was requested.
        Answer::Rest { .. } | Answer::StartOver(_) => return Err(refused(&response).into()),
    }
    let mut bytes = Vec::new();
    response
        .take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)
        .context(Category::Network, || format!("{url} was cut off"))
        .map_err(|error| Failure::Retry(error, None))?;
    if bytes.len() as u64 > MAX_SIZE {
        let what = format!("{url} has more than {MAX_SIZE} bytes");
        return Err(Error::new(Category::Verification, what).into());
    }
    Ok(bytes)
}
