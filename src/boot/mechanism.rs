//! How a base's first boot can be reached from its boot partition alone.

use std::fmt;

use crate::error::Result;

/// The files of a base's boot partition.
pub trait BootFiles {
    /// A file's bytes, `None` when there is no such file. `path` is relative and `/`-separated.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// Names of the files and folders in the root.
    fn root_names(&self) -> Result<Vec<String>>;
}

/// What runs our `mkimage/install` on the Pi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// cloud-init reads `user-data` and `meta-data` (Raspberry Pi OS from 2025-11-24).
    CloudInit,
    /// systemd's run generator starts a script that the kernel's command line names, with no network.
    SystemdRun {
        /// Where that script is found.
        mount: BootMount,
    },
}

/// Where the system mounts its boot partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootMount {
    /// `/boot`, up to bullseye.
    Boot,
    /// `/boot/firmware`, from bookworm on.
    Firmware,
}

/// A Debian release, as far as Raspberry Pi OS was made from it.
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

/// What kind of programs the base holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Userland {
    /// armhf.
    Bits32,
    /// arm64.
    Bits64,
    /// The boot partition does not tell.
    Unknown,
}

/// A day, as `issue.txt` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Mechanism {
    /// Where the boot partition is mounted.
    pub fn mount(self) -> BootMount {
        match self {
            Self::CloudInit => BootMount::Firmware,
            Self::SystemdRun { mount } => mount,
        }
    }

    /// As it is written in `mkimage/settings`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CloudInit => "cloud-init",
            Self::SystemdRun { .. } => "systemd.run",
        }
    }
}

impl BootMount {
    /// The mount point.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boot => "/boot",
            Self::Firmware => "/boot/firmware",
        }
    }
}

impl Release {
    /// Every release, oldest first.
    pub const ALL: [Self; 4] = [Self::Buster, Self::Bullseye, Self::Bookworm, Self::Trixie];

    /// Code name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buster => "buster",
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// Whether the network is NetworkManager's; before it was dhcpcd's and `wpa_supplicant`'s.
    pub fn has_network_manager(self) -> bool {
        self >= Self::Bookworm
    }
}

impl Date {
    /// A day. The parts are not checked.
    pub const fn new(year: u16, month: u8, day: u8) -> Self {
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

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
