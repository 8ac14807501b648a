//! The facts that a base's boot partition tells about it.

use crate::error::{Category, Context, Error, Result};
use crate::release::issue::Issue;
use crate::release::{BootFiles, BootMount, Cmdline, Date, Release, Userland};

/// First bookworm image: the boot partition moved to `/boot/firmware`.
const FIRST_BOOKWORM: Date = Date::new(2023, 10, 10);
/// First bullseye image.
const FIRST_BULLSEYE: Date = Date::new(2021, 10, 30);

/// The release of a base and what depends on it.
#[derive(Debug, Clone)]
pub struct BaseFacts {
    /// The Debian release; `None` if nothing tells. Buster and bullseye are told apart by date only.
    pub release: Option<Release>,
    /// The day it was made, from `issue.txt`.
    pub date: Option<Date>,
    /// True for the sample base and images made from it, which do not boot.
    pub is_sample: bool,
    /// The instruction set of its programs, inferred from its kernels.
    pub userland: Userland,
    /// The folder at which its system mounts the boot partition.
    pub mount: BootMount,
    /// The kernel command line.
    pub cmdline: Cmdline,
    /// The text of `config.txt`.
    pub config_txt: String,
    root_names: RootNames,
}

/// The names in the root folder, in lower case.
#[derive(Debug, Clone)]
struct RootNames(Vec<String>);

/// The signs by which releases are told apart.
struct Signs<'a> {
    names: &'a RootNames,
    issue: &'a Issue,
    cmdline: &'a Cmdline,
    config_txt: &'a str,
}

impl BaseFacts {
    /// Finds the facts about a base.
    ///
    /// # Errors
    /// When it is not a Raspberry Pi's boot partition, or does not tell where its system mounts it.
    pub fn detect(files: &dyn BootFiles) -> Result<Self> {
        let names = files
            .root_names()
            .while_doing(|| "listing the boot partition".to_owned())?;
        let root_names = RootNames(names.into_iter().map(|name| name.to_lowercase()).collect());
        let cmdline = Cmdline::parse(&required(files, "cmdline.txt")?)?;
        let config_txt = String::from_utf8(required(files, "config.txt")?)
            .context(Category::Verification, || {
                "config.txt of the base is not text".to_owned()
            })?;
        let issue = files
            .read("issue.txt")?
            .map(|bytes| Issue::parse(&String::from_utf8_lossy(&bytes)))
            .unwrap_or_default();
        let signs = Signs {
            names: &root_names,
            issue: &issue,
            cmdline: &cmdline,
            config_txt: &config_txt,
        };
        let mount = signs.mount()?;
        Ok(Self {
            release: signs.release(mount),
            date: issue.date,
            is_sample: issue.is_sample,
            userland: root_names.userland(),
            mount,
            cmdline,
            config_txt,
            root_names,
        })
    }

    /// Returns true if the root folder has a file or folder of this name, given in lower case.
    pub fn has(&self, name: &str) -> bool {
        self.root_names.has(name)
    }

    /// Returns true if a program that replaces init grows the root file system, as it did up to bookworm.
    pub fn grows_by_init(&self) -> bool {
        self.cmdline.words().any(|word| {
            word.starts_with("init=/usr/lib/raspi-config/")
                || word.starts_with("init=/usr/lib/raspberrypi-sys-mods/")
        })
    }
}

fn required(files: &dyn BootFiles, name: &str) -> Result<Vec<u8>> {
    files.read(name)?.ok_or_else(|| {
        Error::new(
            Category::Verification,
            format!("the boot partition has no {name}, so it is not a Raspberry Pi's"),
        )
    })
}

impl RootNames {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|candidate| candidate == name)
    }

    fn have_kernels(&self) -> bool {
        self.0.iter().any(|name| name.starts_with("kernel"))
    }

    /// Infers it from the kernels: 32-bit images have a 64-bit kernel as well, 64-bit images have no 32-bit one.
    fn userland(&self) -> Userland {
        if self.has("kernel7.img") || self.has("kernel7l.img") || self.has("kernel.img") {
            Userland::Bits32
        } else if self.has("kernel8.img") || self.has("kernel_2712.img") {
            Userland::Bits64
        } else {
            Userland::Unknown
        }
    }
}

impl Signs<'_> {
    /// Returns true if cloud-init's files are there. It came with trixie.
    fn has_cloud_init(&self) -> bool {
        self.names.has("user-data") || self.names.has("meta-data")
    }

    /// Bookworm brought an initial ramdisk by default and the Pi 5's kernel.
    fn is_bookworm_or_later(&self) -> bool {
        self.has_cloud_init()
            || self.names.has("initramfs8")
            || self.names.has("initramfs_2712")
            || self.names.has("kernel_2712.img")
            || self.cmdline.has("resize")
            || self
                .config_txt
                .lines()
                .any(|line| line.trim() == "auto_initramfs=1")
            || self
                .issue
                .release
                .is_some_and(|release| release >= Release::Bookworm)
    }

    fn mount(&self) -> Result<BootMount> {
        if self.is_bookworm_or_later() {
            return Ok(BootMount::Firmware);
        }
        if self.issue.release.is_some() || self.cmdline.has("init=/usr/lib/raspi-config/init_resize.sh") {
            return Ok(BootMount::Boot);
        }
        match self.issue.date {
            // Bullseye went on as the "legacy" image, with kernels but without bookworm's ramdisks.
            Some(date) if date >= FIRST_BOOKWORM && !self.names.have_kernels() => Ok(BootMount::Firmware),
            Some(_) => Ok(BootMount::Boot),
            None => Err(Error::new(
                Category::Verification,
                "the boot partition does not tell how a first boot can be reached: it has neither user-data and \
                 meta-data (cloud-init) nor an issue.txt with a date",
            )
            .with_remedy("use a Raspberry Pi OS Lite image")),
        }
    }

    fn release(&self, mount: BootMount) -> Option<Release> {
        if let Some(release) = self.issue.release {
            return Some(release);
        }
        match mount {
            BootMount::Firmware if self.has_cloud_init() || self.cmdline.has("resize") => {
                Some(Release::Trixie)
            }
            BootMount::Firmware => Some(Release::Bookworm),
            BootMount::Boot if self.issue.date? < FIRST_BULLSEYE => Some(Release::Buster),
            BootMount::Boot => Some(Release::Bullseye),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::testing::Base;

    #[test]
    fn every_release_is_told_from_the_others() {
        use BootMount::{Boot, Firmware};
        use Release::{Bookworm, Bullseye, Buster, Trixie};
        for (base, mount, release) in [
            (Base::buster("2020-02-13"), Boot, Buster),
            (Base::bullseye("2023-05-03"), Boot, Bullseye),
            // Bullseye went on as the "legacy" image beside bookworm.
            (Base::bullseye("2024-10-22"), Boot, Bullseye),
            (Base::bookworm("2023-10-10"), Firmware, Bookworm),
            // Bookworm went on beside trixie.
            (Base::bookworm("2026-09-15"), Firmware, Bookworm),
            (Base::trixie_without_cloud_init("2025-10-01"), Firmware, Trixie),
            (Base::trixie("2025-11-24"), Firmware, Trixie),
            (Base::trixie("2026-10-06").without("issue.txt"), Firmware, Trixie),
        ] {
            let facts = base.facts();
            assert_eq!((facts.mount, facts.release), (mount, Some(release)), "{facts:?}");
        }
    }

    #[test]
    fn date_and_instruction_set_are_read_from_the_base() {
        let facts = Base::trixie("2026-10-06").facts();
        assert_eq!(facts.date, Some(Date::new(2026, 10, 6)));
        assert_eq!(facts.userland, Userland::Bits64);
        assert_eq!(Base::buster("2020-02-13").facts().userland, Userland::Bits32);
        let armhf = Base::trixie("2026-10-06").with("kernel7l.img", "");
        assert_eq!(armhf.facts().userland, Userland::Bits32);
    }

    #[test]
    fn a_boot_partition_that_is_not_a_raspberry_pis_is_an_error_that_says_what_was_found() {
        let base = Base::trixie("2026-10-06");
        for (base, found) in [
            (base.clone().without("cmdline.txt"), "no cmdline.txt"),
            (base.clone().without("config.txt"), "no config.txt"),
            (base.with("cmdline.txt", "a\nb\n"), "more than one line"),
            (Base::bullseye("?"), "does not tell"),
        ] {
            let error = BaseFacts::detect(&base).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
            assert_eq!(error.category(), Category::Verification);
        }
    }
}
