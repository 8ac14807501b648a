//! Recognises a Raspberry Pi OS image by the files of its boot partition. Its file name is not trusted.

mod cmdline;
mod facts;
mod fault;
mod leftovers;
mod refusal;
#[cfg(test)]
pub(crate) mod testing;
mod user_data;

pub use cmdline::Cmdline;
pub use facts::{BaseFacts, SAMPLE_MARK};
pub use fault::Fault;
pub use refusal::{Refusal, of_published};
pub use user_data::UserData;

use std::fmt;

use crate::error::Result;

pub trait BootFiles {
    /// Returns a file's bytes, or `None` if there is no such file. `path` is relative and `/`-separated. Fails if the
    /// partition is damaged, or the file is too large to be one that mkimage reads.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// Returns the names of the files and folders in the root folder. Fails if the partition is damaged.
    fn root_names(&self) -> Result<Vec<String>>;
}

/// A Debian release that Raspberry Pi OS was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// Debian 10.
    Buster,
    /// Debian 11.
    Bullseye,
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
}

/// The folder at which the system mounts its boot partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootMount {
    /// `/boot`, up to bullseye.
    Boot,
    /// `/boot/firmware`, from bookworm on.
    Firmware,
}

impl Release {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buster => "buster",
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// Returns the release with this code name. Case is ignored.
    pub fn named(text: &str) -> Option<Self> {
        let named = |release: &Self| release.as_str().eq_ignore_ascii_case(text);
        [Self::Buster, Self::Bullseye, Self::Bookworm, Self::Trixie]
            .into_iter()
            .find(named)
    }

    /// Returns true if `NetworkManager` manages the network. Before bookworm, dhcpcd and `wpa_supplicant` did.
    pub fn has_network_manager(self) -> bool {
        self >= Self::Bookworm
    }
}

impl fmt::Display for BootMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boot => "/boot",
            Self::Firmware => "/boot/firmware",
        })
    }
}

/// A day of the calendar, as image names and `issue.txt` write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A day. The parts are not checked.
    pub(crate) const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }

    /// Parses `YYYY-MM-DD`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || (year.len(), month.len(), day.len()) != (4, 2, 2) {
            return None;
        }
        let date = Self::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        ((1..=12).contains(&date.month) && (1..=31).contains(&date.day)).then_some(date)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
