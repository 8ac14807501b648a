//! Recognises a Raspberry Pi OS image by the files of its boot partition. Its file name is not trusted.

mod cmdline;
mod date;
mod facts;
mod refusal;
#[cfg(test)]
pub(crate) mod testing;

pub use cmdline::Cmdline;
pub use date::Date;
pub use facts::{BaseFacts, SAMPLE_MARK};
pub use refusal::{Refusal, of_published};

use std::fmt;

use crate::error::Result;

/// The files of a base's boot partition.
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

/// The instruction set of a base's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Userland {
    /// armhf.
    Bits32,
    /// arm64.
    Bits64,
    /// Unknown: the boot partition has no kernel that tells.
    Unknown,
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

impl BootMount {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boot => "/boot",
            Self::Firmware => "/boot/firmware",
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for BootMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
