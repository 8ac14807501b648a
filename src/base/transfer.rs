//! One request, and what comes of it.

use std::io::Read;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use url::Url;

use crate::base::Connection;
use crate::base::answer::Answer;
use crate::base::client::explain;
use crate::base::part::Part;
use crate::base::validator::Validator;
use crate::disk::durable::folder_of;
use crate::disk::room;
use crate::error::{Category, Error, Result};
use crate::progress::{Progress, Task};

/// What a file may have at most when nobody knows its size: several times the largest image the publisher ever had.
const LARGEST: u64 = 32 << 30;

/// Bytes read at once.
const PIECE: usize = 128 * 1024;

/// A download, for as many requests as it takes.
pub(super) struct Transfer<'a> {
    pub(super) client: Client,
    pub(super) connection: &'a Connection,
    pub(super) url: &'a Url,
    /// The file's name, for messages.
    pub(super) name: &'a str,
    /// What the file must have, where that is known.
    pub(super) size: Option<u64>,
    pub(super) progress: &'a dyn Progress,
    /// Begins with the first answer, which often is the first to know the size.
    pub(super) task: Option<Box<dyn Task>>,
    /// Whether somebody knew how long the last answer's file is. Without that, the end of the connection looks like
    /// the end of the file.
    pub(super) length_known: bool,
}

/// Why a request did not bring the file to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may do so the next time, though not before so long.
    Again(Error, Option<Duration>),
    /// It never will.
    Final(Error),
    /// It never will, and what has come is worth nothing.
    Worthless(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl Transfer<'_> {
    /// Asks for what `part` lacks and appends it, to the end of the answer.
    pub(super) fn attempt(&mut self, part: &mut Part) -> Result<(), Failure> {
        let have = part.size();
        let validator = part.validator(self.url).filter(|_| have > 0);
        let response = ask(&self.client, self.url, self.connection, have, validator.as_ref())?;
        let total = match Answer::read(response.status(), response.headers(), have, validator.as_ref()) {
            Answer::Whole { total } => {
                self.check_total(total)?;
                if have > 0 {
                    self.progress
                        .say(&format!("the server starts {} over", self.name));
                }
                part.begin(self.url, Validator::of(response.headers()))?;
                total
            }
            Answer::Rest { total } => {
                self.check_total(total)?;
                part.go_on();
                total
            }
            Answer::StartOver(reason) => {
                part.start_over()?;
                let what = format!("{} cannot be continued: {reason}", self.name);
                return Err(Failure::Again(Error::new(Category::Network, what), None));
            }
            Answer::Later(after) => return Err(Failure::Again(refused(&response), after)),
            Answer::Never(remedy) => return Err(refused(&response).with_remedy(remedy).into()),
        };
        let total = self.size.or(total);
        self.length_known = total.is_some();
        if let Some(total) = total {
            let missing = total.saturating_sub(part.size());
            let remedy = "make room, or set MKIMAGE_CACHE_DIR to a folder on another disk";
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

    /// Compares what the server announces with what is known.
    fn check_total(&self, total: Option<u64>) -> Result<()> {
        let what = match (total, self.size) {
            (Some(total), Some(size)) if total != size => {
                format!(
                    "{} announces {total} bytes for {}, which has {size}",
                    self.url, self.name
                )
            }
            (Some(total), None) if total > LARGEST => {
                format!(
                    "{} announces {total} bytes, more than any base image has",
                    self.url
                )
            }
            _ => return Ok(()),
        };
        Err(Error::new(Category::Verification, what).with_remedy(
            "another file lies there, or something on the way answers in its place, such as a network's log-in page",
        ))
    }

    fn show(&mut self, have: u64, total: Option<u64>) {
        let task = self
            .task
            .get_or_insert_with(|| self.progress.begin(&format!("downloading {}", self.name), total));
        task.reset_to(have);
    }

    fn receive(&self, mut response: Response, part: &mut Part, total: Option<u64>) -> Result<(), Failure> {
        let most = total.unwrap_or(LARGEST);
        let mut piece = vec![0; PIECE];
        loop {
            let read = match response.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Again(self.cut(part, total).with_cause(error), None)),
            };
            if part.size().saturating_add(read as u64) > most {
                let what = format!(
                    "{} sends more than the {most} bytes that {} has",
                    self.url, self.name
                );
                return Err(Failure::Worthless(Error::new(Category::Verification, what)));
            }
            part.append(piece.get(..read).unwrap_or_default())?;
            if let Some(task) = &self.task {
                task.advance(read as u64);
            }
        }
        match total {
            Some(total) if part.size() < total => Err(Failure::Again(self.cut(part, Some(total)), None)),
            _ => Ok(()),
        }
    }

    fn cut(&self, part: &Part, total: Option<u64>) -> Error {
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        let what = format!("{} was cut off after {}{of} bytes", self.url, part.size());
        Error::new(Category::Network, what)
    }
}

/// Asks for a file, without its first `have` bytes if it is still the version that `validator` is of.
pub(super) fn ask(
    client: &Client,
    url: &Url,
    connection: &Connection,
    have: u64,
    validator: Option<&Validator>,
) -> Result<Response, Failure> {
    // A compressed answer would hash to something else, and could not be continued.
    let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
        if let Some(validator) = validator {
            request = request.header(IF_RANGE, validator.as_str());
        }
    }
    request
        .send()
        .map_err(|error| match explain(error, url, connection) {
            (error, true) => Failure::Again(error, None),
            (error, false) => Failure::Final(error),
        })
}

/// What to say of an answer that is no file.
pub(super) fn refused(response: &Response) -> Error {
    // After redirects it is another server that has to be named.
    let what = format!("{} answers {}", response.url(), response.status());
    Error::new(Category::Network, what)
}
