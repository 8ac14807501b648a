//! Small files from a server, into memory.

use std::io::Read;

use reqwest::blocking::Client;
use url::Url;

use crate::base::Connection;
use crate::base::answer::Answer;
use crate::base::retry::Patience;
use crate::base::transfer::{Failure, ask, refused};
use crate::error::{Category, Context, Error, Result};
use crate::progress::Progress;

/// What such a file may have at most, in bytes. The publisher's list of images has some hundred thousand.
const LARGEST: u64 = 16 << 20;

/// Fetches a text, with as many attempts as it takes.
pub(super) fn fetch(
    client: &Client,
    url: &Url,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<String> {
    let mut patience = Patience::new(connection, progress);
    loop {
        match attempt(client, url, connection) {
            Ok(bytes) => {
                return String::from_utf8(bytes)
                    .context(Category::Verification, || format!("{url} is no text"));
            }
            Err(Failure::Again(error, after)) => {
                patience.wait(error, after, "run the same command again later")?;
            }
            Err(Failure::Final(error) | Failure::Worthless(error)) => return Err(error),
        }
    }
}

fn attempt(client: &Client, url: &Url, connection: &Connection) -> Result<Vec<u8>, Failure> {
    let response = ask(client, url, connection, 0, None)?;
    match Answer::read(response.status(), response.headers(), 0, None) {
        Answer::Whole { .. } => {}
        Answer::Later(after) => return Err(Failure::Again(refused(&response), after)),
        Answer::Never(remedy) => return Err(refused(&response).with_remedy(remedy).into()),
        // Nothing but the whole was asked for.
        Answer::Rest { .. } | Answer::StartOver(_) => return Err(refused(&response).into()),
    }
    let mut bytes = Vec::new();
    response
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .context(Category::Network, || format!("{url} was cut off"))
        .map_err(|error| Failure::Again(error, None))?;
    if bytes.len() as u64 > LARGEST {
        let what = format!("{url} has more than {LARGEST} bytes");
        return Err(Error::new(Category::Verification, what).into());
    }
    Ok(bytes)
}
