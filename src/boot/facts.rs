//! What a base is, found from the files of its boot partition; its file name is not trusted.

use serde::Deserialize;

use crate::boot::cmdline::Cmdline;
use crate::boot::mechanism::{BootFiles, BootMount, Date, Mechanism, Release, Userland};
use crate::error::{Category, Context, Error, Result, While};

/// First cloud-init image of Raspberry Pi OS.
const FIRST_CLOUD_INIT: Date = Date::new(2025, 11, 24);
/// First bookworm image: the boot partition moved to `/boot/firmware`.
const FIRST_BOOKWORM: Date = Date::new(2023, 10, 10);
/// First bullseye image.
const FIRST_BULLSEYE: Date = Date::new(2021, 10, 30);

/// What only an image of this program's has.
const SETTINGS: &str = "mkimage/settings";

/// What a base is.
#[derive(Debug, Clone)]
pub struct BootFacts {
    /// How its first boot is reached.
    pub mechanism: Mechanism,
    /// Its release; `None` when nothing tells. Buster and bullseye are told apart by date only.
    pub release: Option<Release>,
    /// When it was made, from `issue.txt`.
    pub date: Option<Date>,
    /// The pi-gen stage, such as `stage2` (Lite), from `issue.txt`.
    pub stage: Option<String>,
    /// Kind of programs; inferred from the kernels that lie there.
    pub userland: Userland,
    /// Its kernel command line.
    pub cmdline: Cmdline,
    /// Its `config.txt`.
    pub config_txt: String,
    /// The node whose image it is, when it was made by this program.
    pub made_for: Option<String>,
    /// `dsmode` of its `meta-data`, which a node's keeps.
    pub(super) dsmode: Option<String>,
}

/// The part of `meta-data` that is of interest.
#[derive(Deserialize)]
struct StockMetaData {
    dsmode: Option<String>,
}

/// The part of `issue.txt` that is of interest.
#[derive(Default)]
struct Issue {
    date: Option<Date>,
    stage: Option<String>,
    release: Option<Release>,
}

/// What was found, for telling eras apart.
struct Signs {
    names: Vec<String>,
    issue: Issue,
    cmdline: Cmdline,
    config_txt: String,
}

impl BootFacts {
    /// Finds out what a base is.
    ///
    /// # Errors
    /// When its files contradict each other or do not tell how its first boot can be reached.
    pub fn detect(files: &dyn BootFiles) -> Result<Self> {
        let names = files
            .root_names()
            .while_doing(|| "listing the boot partition".to_owned())?
            .into_iter()
            .map(|name| name.to_lowercase())
            .collect();
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
            names,
            issue,
            cmdline,
            config_txt,
        };
        let mechanism = signs.mechanism()?;
        let dsmode = match mechanism {
            Mechanism::CloudInit => files
                .read("meta-data")?
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .and_then(|text| serde_saphyr::from_str::<StockMetaData>(&text).ok())
                .and_then(|stock| stock.dsmode),
            Mechanism::SystemdRun { .. } => None,
        };
        Ok(Self {
            mechanism,
            release: signs.release(mechanism),
            date: signs.issue.date,
            userland: signs.userland(),
            stage: signs.issue.stage,
            cmdline: signs.cmdline,
            config_txt: signs.config_txt,
            made_for: files.read(SETTINGS)?.map(|settings| {
                String::from_utf8_lossy(&settings)
                    .lines()
                    .find_map(|line| line.strip_prefix("MKIMAGE_NODE='")?.strip_suffix('\''))
                    .unwrap_or("another node")
                    .to_owned()
            }),
            dsmode,
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

impl Issue {
    /// `issue.txt` reads `Raspberry Pi reference 2026-10-06` and `Generated using pi-gen, <address>, <commit>, stage2`.
    fn parse(text: &str) -> Self {
        let words = || {
            text.split(|c: char| c.is_whitespace() || ",()".contains(c))
                .filter(|word| !word.is_empty())
        };
        Self {
            date: words().find_map(Date::parse),
            stage: words()
                .find(|word| {
                    word.strip_prefix("stage")
                        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                })
                .map(str::to_owned),
            release: words().find_map(|word| {
                Release::ALL
                    .into_iter()
                    .find(|release| release.as_str().eq_ignore_ascii_case(word))
            }),
        }
    }
}

impl Signs {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|candidate| candidate == name)
    }

    fn has_word(&self, word: &str) -> bool {
        self.cmdline.words().any(|candidate| candidate == word)
    }

    /// bookworm brought an initial ramdisk by default and the Pi 5's kernel.
    fn is_bookworm_or_later(&self) -> bool {
        self.has("initramfs8")
            || self.has("initramfs_2712")
            || self.has("kernel_2712.img")
            || self.has_word("resize")
            || self
                .config_txt
                .lines()
                .any(|line| line.trim() == "auto_initramfs=1")
            || self
                .issue
                .release
                .is_some_and(|release| release >= Release::Bookworm)
    }

    /// Whether kernels of Raspberry Pi OS lie there at all.
    fn has_kernels(&self) -> bool {
        self.names.iter().any(|name| name.starts_with("kernel"))
    }

    /// Up to bookworm the root file system is grown by a program in place of init.
    fn grows_by_init(&self) -> bool {
        self.cmdline.words().any(|word| {
            word.starts_with("init=/usr/lib/raspi-config/")
                || word.starts_with("init=/usr/lib/raspberrypi-sys-mods/")
        })
    }

    fn mechanism(&self) -> Result<Mechanism> {
        match (self.has("user-data"), self.has("meta-data")) {
            (true, true) => self.check_cloud_init().map(|()| Mechanism::CloudInit),
            (false, false) => Ok(Mechanism::SystemdRun { mount: self.mount()? }),
            (user_data, _) => {
                let (there, missing) = if user_data {
                    ("user-data", "meta-data")
                } else {
                    ("meta-data", "user-data")
                };
                Err(Error::new(
                    Category::Verification,
                    format!("the boot partition has {there} but no {missing}: cloud-init needs both or is not there"),
                )
                .with_remedy("use an unchanged Raspberry Pi OS Lite image"))
            }
        }
    }

    /// Files of cloud-init on an image without cloud-init are the field's most frequent mistake: nothing reads them.
    fn check_cloud_init(&self) -> Result<()> {
        let older = match self.issue.date {
            Some(date) if date < FIRST_CLOUD_INIT => format!("issue.txt says {date}"),
            _ if self.grows_by_init() => "cmdline.txt has an init= word of older images".to_owned(),
            _ => return Ok(()),
        };
        Err(Error::new(
            Category::Verification,
            format!(
                "the boot partition has user-data and meta-data, but {older}, and Raspberry Pi OS has cloud-init \
                 only since {FIRST_CLOUD_INIT}: somebody changed this image"
            ),
        )
        .with_remedy("use an unchanged Raspberry Pi OS Lite image"))
    }

    fn mount(&self) -> Result<BootMount> {
        if self.is_bookworm_or_later() {
            return Ok(BootMount::Firmware);
        }
        if self.issue.release.is_some() || self.has_word("init=/usr/lib/raspi-config/init_resize.sh") {
            return Ok(BootMount::Boot);
        }
        match self.issue.date {
            // Bullseye went on as the "legacy" image; its kernels lie there without bookworm's ramdisks.
            Some(date) if date >= FIRST_BOOKWORM && !self.has_kernels() => Ok(BootMount::Firmware),
            Some(_) => Ok(BootMount::Boot),
            None => Err(Error::new(
                Category::Verification,
                "the boot partition does not tell how a first boot can be reached: it has neither user-data and \
                 meta-data (cloud-init) nor an issue.txt with a date",
            )
            .with_remedy("use a Raspberry Pi OS Lite image")),
        }
    }

    fn release(&self, mechanism: Mechanism) -> Option<Release> {
        if let Some(release) = self.issue.release {
            return Some(release);
        }
        match mechanism {
            Mechanism::CloudInit => Some(Release::Trixie),
            Mechanism::SystemdRun {
                mount: BootMount::Firmware,
            } if self.has_word("resize") => Some(Release::Trixie),
            Mechanism::SystemdRun {
                mount: BootMount::Firmware,
            } => Some(Release::Bookworm),
            Mechanism::SystemdRun {
                mount: BootMount::Boot,
            } => self.issue.date.map(|date| {
                if date < FIRST_BULLSEYE {
                    Release::Buster
                } else {
                    Release::Bullseye
                }
            }),
        }
    }

    /// 64-bit images carry no 32-bit kernels (inferred; 32-bit images do carry the 64-bit one).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::{BOOKWORM_CMDLINE, Base};

    const FIRMWARE: Mechanism = Mechanism::SystemdRun {
        mount: BootMount::Firmware,
    };
    const BOOT: Mechanism = Mechanism::SystemdRun {
        mount: BootMount::Boot,
    };

    /// Every era; writing the wrong mechanism is the field's most frequent mistake, because nobody says a word.
    #[test]
    fn customisation_is_never_written_where_nothing_reads_it() {
        use Release::{Bookworm, Bullseye, Buster, Trixie};
        for (base, mechanism, release) in [
            (Base::buster("2020-02-13"), BOOT, Buster),
            (Base::bullseye("2023-05-03"), BOOT, Bullseye),
            // Bullseye went on as the "legacy" image beside bookworm.
            (Base::bullseye("2024-10-22"), BOOT, Bullseye),
            (Base::bookworm("2023-10-10"), FIRMWARE, Bookworm),
            // Bookworm went on beside trixie.
            (Base::bookworm("2026-09-15"), FIRMWARE, Bookworm),
            (
                Base::trixie("2025-10-01")
                    .without("user-data")
                    .without("meta-data")
                    .without("network-config"),
                FIRMWARE,
                Trixie,
            ),
            (Base::trixie("2025-11-24"), Mechanism::CloudInit, Trixie),
            (Base::trixie("2026-10-06"), Mechanism::CloudInit, Trixie),
            (
                Base::trixie("2026-10-06").without("issue.txt"),
                Mechanism::CloudInit,
                Trixie,
            ),
        ] {
            let facts = base.facts();
            assert_eq!(
                (facts.mechanism, facts.release),
                (mechanism, Some(release)),
                "{facts:?}"
            );
        }
    }

    #[test]
    fn what_is_read_from_the_base_is_what_stands_there() {
        let facts = Base::trixie("2026-10-06").facts();
        assert_eq!(facts.date, Some(Date::new(2026, 10, 6)));
        assert_eq!(facts.stage.as_deref(), Some("stage2"));
        assert_eq!(facts.dsmode.as_deref(), Some("local"));
        assert_eq!(facts.userland, Userland::Bits64);
        assert_eq!(Base::buster("2020-02-13").facts().userland, Userland::Bits32);
        let armhf = Base::trixie("2026-10-06").with("kernel7l.img", "");
        assert_eq!(armhf.facts().userland, Userland::Bits32);
    }

    #[test]
    fn contradictions_and_riddles_are_errors_that_say_what_was_found() {
        let base = Base::trixie("2026-10-06");
        for (base, found) in [
            (base.clone().without("meta-data"), "user-data but no meta-data"),
            (base.clone().without("user-data"), "meta-data but no user-data"),
            (base.clone().without("cmdline.txt"), "no cmdline.txt"),
            (base.clone().without("config.txt"), "no config.txt"),
            (base.clone().with("cmdline.txt", "a\nb\n"), "more than one line"),
            (
                Base::bookworm("2024-11-19")
                    .with("user-data", "")
                    .with("meta-data", ""),
                "2024-11-19",
            ),
            (
                base.with("issue.txt", "?").with("cmdline.txt", BOOKWORM_CMDLINE),
                "init=",
            ),
            (Base::bullseye("?"), "does not tell"),
        ] {
            let error = BootFacts::detect(&base).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
            assert_eq!(error.category(), Category::Verification);
        }
    }
}
