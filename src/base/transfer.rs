//! The requests of a download.

use std::io::Read;

use reqwest::blocking::Response;
use url::Url;

use crate::base::answer::Validator;
use crate::base::client::Http;
use crate::base::part::Part;
use crate::base::retry::{Failure, Kind};
use crate::base::{Sha256, Trust};
use crate::disk::durable::folder_of;
use crate::disk::room;
use crate::error::{Category, Error, Result};
use crate::progress::{Progress, Task};

/// Limit in bytes for a file of unknown size: several times the publisher's largest image.
const MAX_SIZE: u64 = 32 << 30;

/// The remedy when a base cannot be downloaded.
const NO_NETWORK: &str = "check the network and the proxy settings (HTTPS_PROXY), or use `--base` with a file; \
                          `--base sample` needs no network";

const CHUNK_SIZE: usize = 128 * 1024;

/// The file to download.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a Url,
    pub(super) sha256: Sha256,
    /// Size in bytes, if known.
    pub(super) size: Option<u64>,
    /// `true` if the file needs the publisher's signature.
    pub(super) must_be_signed: bool,
    /// The reason to trust a file with that hash and without a signature.
    pub(super) hash: Trust,
}

/// A download, with any number of requests.
pub(super) struct Transfer<'a> {
    pub(super) http: Http<'a>,
    pub(super) wanted: &'a Wanted<'a>,
    /// The file's name, for messages.
    pub(super) name: &'a str,
    pub(super) progress: &'a dyn Progress,
    /// Started by the first answer, which often gives the size.
    pub(super) task: Option<Box<dyn Task>>,
    /// `true` if the file's length was known for the last answer. Without it, a broken connection looks like the end of
    /// the file.
    pub(super) length_known: bool,
}

impl Transfer<'_> {
    /// Requests the missing bytes of `part` and appends those in the answer.
    pub(super) fn attempt(&mut self, part: &mut Part) -> Result<(), Failure> {
        let have = part.size;
        let validator = part.validator(self.wanted.url).filter(|_| have > 0);
        let answer = self
            .http
            .ask(self.wanted.url, have, validator.as_ref(), NO_NETWORK);
        let (response, content) = match answer {
            // The name could be resolved before, so this is as temporary as other failures.
            Err(failure) if failure.kind == Kind::Lookup && self.task.is_some() => {
                return Err(Kind::Retry(None).of(failure.error));
            }
            Err(failure) if failure.kind == Kind::StartOver => {
                part.start_over()?;
                let what = format!("{} cannot be resumed: {}", self.name, failure.error);
                return Err(Kind::Retry(None).of(Error::new(Category::Network, what)));
            }
            answer => answer?,
        };
        self.check_total(content.total)?;
        if content.is_rest {
            part.has_several_answers = true;
        } else {
            if have > 0 {
                self.progress
                    .say(&format!("the server sends {} from the beginning", self.name));
            }
            part.begin(self.wanted.url, Validator::of(response.headers()))?;
        }
        let total = self.wanted.size.or(content.total);
        self.length_known = total.is_some();
        if let Some(total) = total {
            let missing = total.saturating_sub(part.size);
            let remedy = "free some space, or set MKIMAGE_CACHE_DIR to a folder on another disk";
            room::require(folder_of(&part.path), missing, "the rest of the download", remedy)?;
        }
        let what = format!("downloading {}", self.name);
        self.task
            .get_or_insert_with(|| self.progress.begin(&what, total))
            .reset_to(part.size);
        self.receive(response, part, total)
    }

    /// Compares the announced size with the known one.
    fn check_total(&self, total: Option<u64>) -> Result<()> {
        let url = self.wanted.url;
        let what = match (total, self.wanted.size) {
            (Some(total), Some(size)) if total != size => {
                format!(
                    "{url} announces {total} bytes for {}, which has {size}",
                    self.name
                )
            }
            (Some(total), None) if total > MAX_SIZE => {
                format!("{url} announces {total} bytes, more than any base image has")
            }
            _ => return Ok(()),
        };
        Err(Error::new(Category::Verification, what).with_remedy(
            "the URL has another file, or something in between answers instead, such as a network's login page",
        ))
    }

    fn receive(&self, mut response: Response, part: &mut Part, total: Option<u64>) -> Result<(), Failure> {
        let (url, name) = (self.wanted.url, self.name);
        let cut_off = |part: &Part| {
            let of = total.map_or_else(String::new, |total| format!(" of {total}"));
            let what = format!("{url} was cut off after {}{of} bytes", part.size);
            Error::new(Category::Network, what)
        };
        let limit = total.unwrap_or(MAX_SIZE);
        let mut chunk = vec![0; CHUNK_SIZE];
        loop {
            let read = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Kind::Retry(None).of(cut_off(part).with_cause(error))),
            };
            if part.size.saturating_add(read as u64) > limit {
                let what = format!("{url} sends more than the {limit} bytes that {name} has");
                return Err(Kind::Corrupt.of(Error::new(Category::Verification, what)));
            }
            part.append(chunk.get(..read).unwrap_or_default())?;
            if let Some(task) = &self.task {
                task.advance(read as u64);
            }
        }
        if total.is_some_and(|total| part.size < total) {
            return Err(Kind::Retry(None).of(cut_off(part)));
        }
        Ok(())
    }
}
