//! The mechanisms that can run `mkimage/install` on a base's first boot. Each is a file here, a folder in `overlays/` that is
//! named as its [`Mechanism::name`], and an entry of [`KINDS`].

mod cloud_init;
mod systemd_run;

use std::fmt;

use crate::boot::overlay::Overlay;
use crate::boot::plan::Plan;
use crate::error::{Category, Error, Result};
use crate::release::{BaseFacts, BootFiles, Cmdline, Refusal, UserData};

/// Every mechanism, in the order in which they are tried.
const KINDS: &[Kind] = &[cloud_init::KIND, systemd_run::KIND];

/// The mechanism, if the base has it.
type Recognised = Result<Option<Box<dyn Mechanism>>>;

/// A mechanism that a base may have.
struct Kind {
    /// As [`Mechanism::name`].
    name: &'static str,
    /// Beginnings of its words on the kernel's command line. They are removed from every base, whichever mechanism it has.
    kernel_words: &'static [&'static str],
    /// Looks for the mechanism in a base.
    recognise: fn(&BaseFacts, &dyn BootFiles) -> Recognised,
}

/// The mechanism of one base.
pub trait Mechanism: fmt::Debug {
    /// The name of its folder in `overlays/`.
    fn name(&self) -> &'static str;

    /// Its name as users see it.
    fn description(&self) -> String {
        self.name().to_owned()
    }

    /// Returns a reason not to use this base that lies in the mechanism.
    fn refusal(&self, _base: &BaseFacts) -> Option<Refusal> {
        None
    }

    /// Adds the mechanism's own files to an overlay that has all others, and returns the words that it needs at the
    /// end of the kernel's command line. Fails if a value of the plan cannot be written in its format.
    fn lay_over(&self, plan: &Plan<'_>, overlay: &mut Overlay) -> Result<Vec<String>>;

    /// Returns what a finished overlay must have.
    fn hooks(&self) -> &'static [Hook];
}

/// A part of a boot file without which nothing starts the first boot.
#[derive(Debug, Clone, Copy)]
pub enum Hook {
    /// The beginning of a word on the kernel's command line.
    KernelWord(&'static str),
    /// A part of a command in `user-data`.
    Command(&'static str),
}

impl Hook {
    /// Returns the file that it belongs in.
    pub(super) fn file(&self) -> &'static str {
        match self {
            Self::KernelWord(_) => "cmdline.txt",
            Self::Command(_) => "user-data",
        }
    }

    /// Returns true if the system understands the file's bytes and does not find it there. Files that it does not understand
    /// are named by `user_files::faults`.
    pub(super) fn is_missing_in(&self, bytes: &[u8]) -> bool {
        match self {
            Self::KernelWord(beginning) => Cmdline::parse(bytes)
                .is_ok_and(|cmdline| !cmdline.words().any(|word| word.starts_with(beginning))),
            Self::Command(part) => UserData::parse(bytes).is_ok_and(|user_data| !user_data.runs(part)),
        }
    }
}

/// Finds a base's mechanism. Fails if its files contradict each other, or if there is none.
pub(super) fn recognise(base: &BaseFacts, files: &dyn BootFiles) -> Result<Box<dyn Mechanism>> {
    for kind in KINDS {
        if let Some(mechanism) = (kind.recognise)(base, files)? {
            return Ok(mechanism);
        }
    }
    let what = "the boot partition does not tell how a first boot can be reached";
    Err(Error::new(Category::Verification, what).with_remedy("use a Raspberry Pi OS Lite image"))
}

/// Returns true for the folder of a mechanism in `overlays/`.
pub(super) fn has_folder(name: &str) -> bool {
    KINDS.iter().any(|kind| kind.name == name)
}

/// Returns true if a word on the kernel's command line belongs to any mechanism.
pub(super) fn owns_kernel_word(word: &str) -> bool {
    let mut beginnings = KINDS.iter().flat_map(|kind| kind.kernel_words);
    beginnings.any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::bundle;
    use crate::release::testing::{BOOKWORM_CMDLINE, Base};

    fn recognised(base: &Base) -> Result<Box<dyn Mechanism>> {
        recognise(&base.facts(), base)
    }

    /// Every era. Nothing on the Pi complains of files for the wrong mechanism: they are ignored.
    #[test]
    fn customisation_is_never_written_where_nothing_reads_it() {
        for (base, mechanism) in [
            (Base::buster("2020-02-13"), "systemd.run in /boot"),
            (Base::bullseye("2023-05-03"), "systemd.run in /boot"),
            (Base::bullseye("2024-10-22"), "systemd.run in /boot"),
            (Base::bookworm("2023-10-10"), "systemd.run in /boot/firmware"),
            (Base::bookworm("2026-09-15"), "systemd.run in /boot/firmware"),
            (
                Base::trixie_without_cloud_init("2025-10-01"),
                "systemd.run in /boot/firmware",
            ),
            (Base::trixie("2025-11-24"), "cloud-init"),
            (Base::trixie("2026-10-06"), "cloud-init"),
            (Base::trixie("2026-10-06").without("issue.txt"), "cloud-init"),
        ] {
            assert_eq!(recognised(&base).unwrap().description(), mechanism);
        }
    }

    #[test]
    fn every_mechanism_has_its_folder_of_overlays_and_no_folder_is_left_over() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        assert_eq!(names, bundle::mechanisms().collect::<Vec<_>>());
    }

    #[test]
    fn a_base_that_contradicts_itself_is_an_error_that_says_what_was_found() {
        let base = Base::trixie("2026-10-06");
        for (base, found) in [
            (base.clone().without("meta-data"), "user-data but no meta-data"),
            (base.clone().without("user-data"), "meta-data but no user-data"),
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
        ] {
            let error = recognised(&base).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
            assert_eq!(error.category(), Category::Verification);
        }
    }
}
