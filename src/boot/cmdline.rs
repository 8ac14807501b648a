//! The kernel's command line, `cmdline.txt`: one line of words.

use crate::error::{Category, Error, Result};

/// The kernel takes at most this many bytes (`COMMAND_LINE_SIZE` of 64-bit ARM, less the terminating zero).
const LONGEST: usize = 2047;

/// Words of which a base may have its own form; ours takes their place.
const OURS: [&str; 4] = [
    "cgroup_enable=memory",
    "cgroup_disable=memory",
    "cgroup_memory=",
    "ds=nocloud",
];

/// What switches the country of the radio on.
const COUNTRY: &str = "cfg80211.ieee80211_regdom=";

/// The words that make systemd's run generator start something.
const RUN: [&str; 4] = [
    "systemd.run=",
    "systemd.run_success_action=",
    "systemd.run_failure_action=",
    "systemd.unit=kernel-command-line.target",
];

/// A command line and how its file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmdline {
    words: Vec<String>,
    newline: bool,
}

/// What a node's command line needs besides the base's words.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NodeWords<'a> {
    /// Kernels before 5.10 know another word for the memory cgroup.
    pub old_kernel: bool,
    /// Country of the radio, ISO 3166 alpha-2.
    pub wifi_country: Option<&'a str>,
    /// Names the instance to cloud-init, so that it does not read its seed at every boot.
    pub instance_id: Option<&'a str>,
    /// Path of a script for systemd's run generator, on the Pi.
    pub run: Option<&'a str>,
}

impl Cmdline {
    /// Parses `cmdline.txt`.
    ///
    /// # Errors
    /// Refuses a file that is not one line of text.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |why: &str| {
            Error::new(Category::Verification, format!("cmdline.txt of the base {why}"))
                .with_remedy("use an unchanged Raspberry Pi OS Lite image")
        };
        let text = std::str::from_utf8(bytes).map_err(|_| bad("is not text"))?;
        let newline = text.ends_with('\n');
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let line = lines.next().ok_or_else(|| bad("is empty"))?;
        if lines.next().is_some() {
            return Err(bad("has more than one line"));
        }
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(bad("has control characters"));
        }
        let words = words(line);
        Ok(Self { words, newline })
    }

    /// The words in their order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// What the base's own `systemd.run=` starts, which an unchanged base does not have.
    pub fn starts(&self) -> Option<&str> {
        self.words().find_map(|word| word.strip_prefix("systemd.run="))
    }

    /// The node's `cmdline.txt`.
    ///
    /// # Errors
    /// Refuses a line that the kernel would cut.
    pub(super) fn render(&self, node: NodeWords<'_>) -> Result<Vec<u8>> {
        let country_is_ours = node.wifi_country.is_some();
        let is_ours = |word: &str| {
            OURS.iter().chain(&RUN).any(|ours| word.starts_with(ours))
                || (country_is_ours && word.starts_with(COUNTRY))
        };
        let kept: Vec<&str> = self.words().filter(|word| !is_ours(word)).collect();

        let mut added = vec!["cgroup_enable=memory".to_owned()];
        if node.old_kernel {
            added.push("cgroup_memory=1".to_owned());
        }
        added.extend(node.wifi_country.map(|country| format!("{COUNTRY}{country}")));
        added.extend(node.instance_id.map(|id| format!("ds=nocloud;i={id}")));

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
        // Clean-up code in the field deletes from ` systemd.run=` on, so these are last and in this order.
        if let Some(script) = node.run {
            line.push(format!("systemd.run={script}"));
            line.push("systemd.run_success_action=reboot".to_owned());
            line.push("systemd.unit=kernel-command-line.target".to_owned());
        }

        let mut text = line.join(" ");
        if text.len() > LONGEST {
            return Err(Error::new(
                Category::Verification,
                format!(
                    "the kernel's command line would have {} bytes, it takes {LONGEST}",
                    text.len()
                ),
            )
            .with_remedy("use an unchanged Raspberry Pi OS Lite image"));
        }
        if self.newline {
            text.push('\n');
        }
        Ok(text.into_bytes())
    }
}

/// Splits at blanks outside double quotes, as the kernel does (`next_arg` in lib/cmdline.c).
fn words(line: &str) -> Vec<String> {
    let mut quoted = false;
    line.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    })
    .filter(|word| !word.is_empty())
    .map(str::to_owned)
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::boot::testing::{BUSTER_CMDLINE, TRIXIE_CMDLINE};

    fn full<'a>() -> NodeWords<'a> {
        NodeWords {
            old_kernel: true,
            wifi_country: Some("DE"),
            instance_id: Some("mkimage-pi4-2-0123"),
            run: Some("/boot/mkimage/systemd-run"),
        }
    }

    fn render(base: &str, words: NodeWords<'_>) -> String {
        String::from_utf8(Cmdline::parse(base.as_bytes()).unwrap().render(words).unwrap()).unwrap()
    }

    #[test]
    fn a_cloud_init_base_keeps_its_words_and_gets_ours() {
        let words = NodeWords {
            wifi_country: Some("DE"),
            instance_id: Some("id-1"),
            ..NodeWords::default()
        };
        assert_eq!(
            render(TRIXIE_CMDLINE, words),
            format!(
                "{} cgroup_enable=memory cfg80211.ieee80211_regdom=DE ds=nocloud;i=id-1\n",
                TRIXIE_CMDLINE.trim_end()
            )
        );
    }

    #[test]
    fn what_systemd_runs_comes_last_and_in_the_order_that_clean_up_code_expects() {
        let words = NodeWords {
            old_kernel: true,
            run: Some("/boot/mkimage/systemd-run"),
            ..NodeWords::default()
        };
        assert_eq!(
            render(BUSTER_CMDLINE.trim_end(), words),
            format!(
                "{} cgroup_enable=memory cgroup_memory=1 systemd.run=/boot/mkimage/systemd-run \
                 systemd.run_success_action=reboot systemd.unit=kernel-command-line.target",
                BUSTER_CMDLINE.trim_end()
            )
        );
    }

    #[test]
    fn a_radio_country_of_the_bases_stays_where_the_cluster_names_none() {
        let base = "root=x cfg80211.ieee80211_regdom=GB rootwait";
        assert!(render(base, NodeWords::default()).contains("regdom=GB"));
        let ours = render(base, full());
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
            assert!(render(base, full()).starts_with("cgroup_enable=memory "));
        }
    }

    #[test]
    fn what_is_no_command_line_is_refused() {
        for bad in [&b""[..], b"\n", b"a\nb\n", b"a\rb", b"a\0b", b"\xff"] {
            assert!(Cmdline::parse(bad).is_err(), "{bad:?}");
        }
        let long = "x".repeat(2000);
        assert!(Cmdline::parse(long.as_bytes()).unwrap().render(full()).is_err());
    }

    #[test]
    fn a_windows_line_end_never_reaches_the_kernel() {
        assert_eq!(
            render("root=x\r\n", NodeWords::default()),
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
            let once = render(&base, full());
            prop_assert_eq!(&render(&once, full()), &once);
            prop_assert_eq!(once.ends_with('\n'), newline);
            prop_assert_eq!(once.trim_end().lines().count(), 1);
            prop_assert!(!once.contains('\r'));
            prop_assert!(!once.starts_with("resize") && !once.starts_with("init="));
            prop_assert!(once.trim_end().ends_with(
                " systemd.run=/boot/mkimage/systemd-run systemd.run_success_action=reboot \
                 systemd.unit=kernel-command-line.target"
            ));
            for ours in ["cgroup_enable=memory", "ds=nocloud;", "systemd.run=", "cgroup_memory=1"] {
                prop_assert_eq!(once.matches(ours).count(), 1, "{}", ours);
            }
            let line = Cmdline::parse(once.as_bytes()).unwrap();
            let foreign = |word: &&str| !OURS.iter().chain(&RUN).any(|ours| word.starts_with(ours));
            let kept: Vec<&str> = line.words().filter(foreign).filter(|word| !word.starts_with(COUNTRY)).collect();
            let expected: Vec<&str> = words.iter().map(String::as_str).filter(foreign).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
