//! Requests of a download and their failures.

use std::io::Read;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use url::Url;

use crate::base::Connection;
use crate::base::answer::Answer;
use crate::base::client::{Retry, explain};
use crate::base::part::Part;
use crate::base::validator::Validator;
use crate::disk::durable::folder_of;
use crate::disk::room;
use crate::error::{Category, Error, Result};
use crate::progress::{Progress, Task};

/// Limit in bytes for a file of unknown size: several times the publisher's largest image.
const MAX_SIZE: u64 = 32 << 30;

/// The remedy when a base cannot be downloaded.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY), or use `--base` with a file; \
                          `--base sample` needs no network";

/// Bytes read at once.
const CHUNK_SIZE: usize = 128 * 1024;

/// A download, with any number of requests.
pub(super) struct Transfer<'a> {
    pub(super) client: Client,
    pub(super) connection: &'a Connection,
    pub(super) url: &'a Url,
    /// The file's name, for messages.
    pub(super) name: &'a str,
    /// Size of the file in bytes, if known.
    pub(super) size: Option<u64>,
    pub(super) progress: &'a dyn Progress,
    /// Started by the first answer, which often gives the size.
    pub(super) task: Option<Box<dyn Task>>,
    /// `true` if the file's length was known for the last answer. Without it, a broken connection looks like the end of
    /// the file.
    pub(super) length_known: bool,
}

/// The reason why a request did not complete the file.
#[derive(Debug)]
pub(super) enum Failure {
    /// A temporary error, with the wait that the server asks for.
    Retry(Error, Option<Duration>),
    /// A name that cannot be resolved.
    Lookup(Error),
    /// A permanent error.
    Permanent(Error),
    /// A permanent error after which the downloaded bytes are useless.
    Corrupt(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Permanent(error)
    }
}

impl Transfer<'_> {
    /// Requests the missing bytes of `part` and appends those in the answer.
    pub(super) fn attempt(&mut self, part: &mut Part) -> Result<(), Failure> {
        let have = part.size();
        let validator = part.validator(self.url).filter(|_| have > 0);
        let response = ask(
            &self.client,
            self.url,
            self.connection,
            have,
            validator.as_ref(),
            NO_NETWORK,
        )
        .map_err(|failure| match failure {
            // The name could be resolved before, so this is as temporary as other failures.
            Failure::Lookup(error) if self.task.is_some() => Failure::Retry(error, None),
            failure => failure,
        })?;
        let total = match Answer::read(response.status(), response.headers(), have, validator.as_ref()) {
            Answer::Whole { total } => {
                self.check_total(total)?;
                if have > 0 {
                    self.progress
                        .say(&format!("the server sends {} from the beginning", self.name));
                }
                part.begin(self.url, Validator::of(response.headers()))?;
                total
            }
            Answer::Rest { total } => {
                self.check_total(total)?;
                part.begin_another_answer();
                total
            }
            Answer::StartOver(reason) => {
                part.start_over()?;
                let what = format!("{} cannot be resumed: {reason}", self.name);
                return Err(Failure::Retry(Error::new(Category::Network, what), None));
            }
            Answer::RetryLater(after) => return Err(Failure::Retry(refused(&response), after)),
            Answer::Permanent(remedy) => return Err(refused(&response).with_remedy(remedy).into()),
        };
        let total = self.size.or(total);
        self.length_known = total.is_some();
        if let Some(total) = total {
            let missing = total.saturating_sub(part.size());
            let remedy = "free some space, or set MKIMAGE_CACHE_DIR to a folder on another disk";
            room::require(
                folder_of(part.path()),
                missing,
                "the rest of the download",
                remedy,
            )?;
        }
        self.show(part.size(), total);
        self.receive(response, part, total)
    }

    /// Compares the announced size with the known one.
    fn check_total(&self, total: Option<u64>) -> Result<()> {
        let what = match (total, self.size) {
            (Some(total), Some(size)) if total != size => {
                format!(
                    "{} announces {total} bytes for {}, which has {size}",
                    self.url, self.name
                )
            }
            (Some(total), None) if total > MAX_SIZE => {
                format!(
                    "{} announces {total} bytes, more than any base image has",
                    self.url
                )
            }
            _ => return Ok(()),
        };
        Err(Error::new(Category::Verification, what).with_remedy(
            "the URL has another file, or something in between answers instead, such as a network's login page",
        ))
    }

    fn show(&mut self, have: u64, total: Option<u64>) {
        let task = self
            .task
            .get_or_insert_with(|| self.progress.begin(&format!("downloading {}", self.name), total));
        task.reset_to(have);
    }

    fn receive(&self, mut response: Response, part: &mut Part, total: Option<u64>) -> Result<(), Failure> {
        let limit = total.unwrap_or(MAX_SIZE);
        let mut chunk = vec![0; CHUNK_SIZE];
        loop {
            let read = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Retry(self.cut_off(part, total).with_cause(error), None)),
            };
            if part.size().saturating_add(read as u64) > limit {
                let what = format!(
                    "{} sends more than the {limit} bytes that {} has",
                    self.url, self.name
                );
                return Err(Failure::Corrupt(Error::new(Category::Verification, what)));
            }
            part.append(chunk.get(..read).unwrap_or_default())?;
            if let Some(task) = &self.task {
                task.advance(read as u64);
            }
        }
        match total {
            Some(total) if part.size() < total => Err(Failure::Retry(self.cut_off(part, Some(total)), None)),
            _ => Ok(()),
        }
    }

    fn cut_off(&self, part: &Part, total: Option<u64>) -> Error {
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        let what = format!("{} was cut off after {}{of} bytes", self.url, part.size());
        Error::new(Category::Network, what)
    }
}

/// Requests a file without its first `have` bytes, or the whole file if its version is not that of `validator`. `remedy` is
/// for a failing network.
pub(super) fn ask(
    client: &Client,
    url: &Url,
    connection: &Connection,
    have: u64,
    validator: Option<&Validator>,
    remedy: &str,
) -> Result<Response, Failure> {
    // A compressed answer would have another hash and could not be resumed.
    let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
        if let Some(validator) = validator {
            request = request.header(IF_RANGE, validator.as_str());
        }
    }
    request
        .send()
        .map_err(|error| match explain(error, url, connection, remedy) {
            (error, Retry::Useful) => Failure::Retry(error, None),
            (error, Retry::Lookup) => Failure::Lookup(error),
            (error, Retry::Useless) => Failure::Permanent(error),
        })
}

/// Returns the error for an answer without a file.
pub(super) fn refused(response: &Response) -> Error {
    // After redirects, this is the URL of the server that answered.
    let what = format!("{} answers {}", response.url(), response.status());
    Error::new(Category::Network, what)
}
