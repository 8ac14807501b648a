//! A node's kernel command line: the base's words, and ours.

use crate::boot::mechanism;
use crate::error::{Category, Error, Result};
use crate::release::{Cmdline, Release};

/// The kernel takes at most this many bytes (`COMMAND_LINE_SIZE` of 64-bit ARM, less the terminating zero).
const LONGEST: usize = 2047;

/// Beginnings of the base's words that ours replace.
const OURS: [&str; 3] = ["cgroup_enable=memory", "cgroup_disable=memory", "cgroup_memory="];

/// Sets the country of the radio, which stays off without one.
const COUNTRY: &str = "cfg80211.ieee80211_regdom=";

/// Renders the node's `cmdline.txt`. `country` is that of the radio, ISO 3166 alpha-2; the words of `mechanism` come last.
/// Refuses a line that the kernel would cut.
pub(super) fn render(
    base: &Cmdline,
    release: Option<Release>,
    country: Option<&str>,
    mechanism: &[String],
) -> Result<Vec<u8>> {
    let kept: Vec<&str> = base
        .words()
        .filter(|word| !is_replaced(word, country.is_some()))
        .collect();

    let mut added = vec!["cgroup_enable=memory".to_owned()];
    // Kernels before 5.10 know another word for the memory cgroup.
    if release.is_none_or(|release| release < Release::Bookworm) {
        added.push("cgroup_memory=1".to_owned());
    }
    added.extend(country.map(|country| format!("{COUNTRY}{country}")));

    // The scripts that grow the root file system look for ` init=` and ` resize` with the blank.
    let must_not_be_first = kept
        .first()
        .is_some_and(|word| word.starts_with("init=") || word.starts_with("resize"));
    let mut line: Vec<String> = Vec::new();
    if must_not_be_first {
        line.append(&mut added);
    }
    line.extend(kept.into_iter().map(str::to_owned));
    line.append(&mut added);
    line.extend_from_slice(mechanism);

    let mut text = line.join(" ");
    if text.len() > LONGEST {
        let what = format!(
            "the kernel's command line would have {} bytes, but it takes at most {LONGEST}",
            text.len()
        );
        return Err(Error::new(Category::Verification, what)
            .with_remedy("use an unchanged Raspberry Pi OS Lite image"));
    }
    if base.ends_with_newline {
        text.push('\n');
    }
    Ok(text.into_bytes())
}

/// Returns true if a word of the base is replaced by ours.
fn is_replaced(word: &str, with_country: bool) -> bool {
    OURS.iter().any(|ours| word.starts_with(ours))
        || mechanism::owns_kernel_word(word)
        || (with_country && word.starts_with(COUNTRY))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::release::testing::{BUSTER_CMDLINE, TRIXIE_CMDLINE};

    fn systemd_run() -> [String; 3] {
        [
            "systemd.run=/boot/mkimage/systemd-run",
            "systemd.run_success_action=reboot",
            "systemd.unit=kernel-command-line.target",
        ]
        .map(str::to_owned)
    }

    fn render(base: &str, release: Release, country: Option<&str>, mechanism: &[String]) -> Result<String> {
        let base = Cmdline::parse(base.as_bytes()).unwrap();
        let line = super::render(&base, Some(release), country, mechanism)?;
        Ok(String::from_utf8(line).unwrap())
    }

    fn without_words_of_the_node(base: &str) -> String {
        render(base, Release::Trixie, None, &[]).unwrap()
    }

    /// Renders all words that a node may have.
    fn full(base: &str, mechanism: &[String]) -> String {
        render(base, Release::Buster, Some("DE"), mechanism).unwrap()
    }

    #[test]
    fn the_line_is_the_bases_words_then_ours_then_the_mechanisms() {
        let mechanism = ["ds=nocloud;i=id-1".to_owned()];
        assert_eq!(
            render(TRIXIE_CMDLINE, Release::Trixie, Some("DE"), &mechanism).unwrap(),
            format!(
                "{} cgroup_enable=memory cfg80211.ieee80211_regdom=DE ds=nocloud;i=id-1\n",
                TRIXIE_CMDLINE.trim_end()
            )
        );
        assert_eq!(
            render(BUSTER_CMDLINE.trim_end(), Release::Buster, None, &systemd_run()).unwrap(),
            format!(
                "{} cgroup_enable=memory cgroup_memory=1 systemd.run=/boot/mkimage/systemd-run \
                 systemd.run_success_action=reboot systemd.unit=kernel-command-line.target",
                BUSTER_CMDLINE.trim_end()
            )
        );
    }

    #[test]
    fn a_radio_country_of_the_base_stays_where_the_cluster_names_none() {
        let base = "root=x cfg80211.ieee80211_regdom=GB rootwait";
        assert!(without_words_of_the_node(base).contains("regdom=GB"));
        let ours = full(base, &[]);
        assert!(
            ours.contains("regdom=DE") && !ours.contains("regdom=GB"),
            "{ours}"
        );
    }

    #[test]
    fn the_words_that_grow_the_card_are_never_first() {
        for base in [
            "resize root=x",
            "init=/usr/lib/raspi-config/init_resize.sh root=x",
        ] {
            assert!(full(base, &[]).starts_with("cgroup_enable=memory "));
        }
    }

    #[test]
    fn a_line_that_the_kernel_would_cut_is_refused() {
        let base = "x".repeat(2000);
        assert!(render(&base, Release::Buster, Some("DE"), &systemd_run()).is_err());
    }

    #[test]
    fn a_windows_line_end_never_reaches_the_kernel() {
        assert_eq!(
            without_words_of_the_node("root=x\r\n"),
            "root=x cgroup_enable=memory\n"
        );
    }

    proptest! {
        #[test]
        fn any_base_keeps_every_foreign_word_once_and_twice_is_the_same(
            words in prop::collection::vec(
                prop_oneof![
                    "[a-z]{1,8}(=[a-zA-Z0-9/,.:-]{0,12})?",
                    "[a-z]{1,5}=\"[a-z ]{0,9}\"",
                    Just("resize".to_owned()),
                    Just("init=/usr/lib/raspberrypi-sys-mods/firstboot".to_owned()),
                    Just("cgroup_disable=memory".to_owned()),
                    Just("cgroup_enable=memory".to_owned()),
                    Just("ds=nocloud;i=rpios-image".to_owned()),
                    Just("systemd.run=/boot/firstrun.sh".to_owned()),
                    Just("systemd.unit=kernel-command-line.target".to_owned()),
                ],
                1..20,
            ),
            newline in any::<bool>(),
        ) {
            let base = words.join(" ") + if newline { "\n" } else { "" };
            let once = full(&base, &systemd_run());
            prop_assert_eq!(&full(&once, &systemd_run()), &once);
            prop_assert_eq!(once.ends_with('\n'), newline);
            prop_assert_eq!(once.trim_end().lines().count(), 1);
            prop_assert!(!once.contains('\r'));
            prop_assert!(!once.starts_with("resize") && !once.starts_with("init="));
            let last = format!(" {}", systemd_run().join(" "));
            prop_assert!(once.trim_end().ends_with(&last));
            for ours in ["cgroup_enable=memory", "systemd.run=", "cgroup_memory=1"] {
                prop_assert_eq!(once.matches(ours).count(), 1, "{}", ours);
            }
            prop_assert!(!once.contains("ds=nocloud"));
            let line = Cmdline::parse(once.as_bytes()).unwrap();
            let foreign = |word: &&str| !is_replaced(word, true);
            let kept: Vec<&str> = line.words().filter(foreign).collect();
            let expected: Vec<&str> = words.iter().map(String::as_str).filter(foreign).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
