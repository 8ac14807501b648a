//! Files by which a card is customised before its first boot, and which an earlier customisation left on a base. Some of them
//! hold a stranger's passphrase or login, so nothing of their content is ever shown.

use super::BootFiles;
use crate::error::Result;

/// Files that every published image with cloud-init has, with nothing but comments in them. cloud-init applies the rest
/// (docs.cloud-init.io, "NoCloud", source files).
const SEEDS: [&str; 3] = ["network-config", "user-data", "vendor-data"];

/// Files that no published image has. Raspberry Pi OS applies all but the last by itself: `custom.toml` on bookworm
/// (raspberrypi-sys-mods, `init_config`), `userconf` and `userconf.txt` from bullseye on (userconf-pi), `wpa_supplicant.conf` up to
/// bullseye (raspberrypi-net-mods). Raspberry Pi Imager 1 writes `firstrun.sh`, which only the kernel's command line starts.
const CUSTOM: [&str; 5] = [
    "custom.toml",
    "userconf",
    "userconf.txt",
    "wpa_supplicant.conf",
    "firstrun.sh",
];

/// Returns the names of the files that an earlier customisation left, in lower case. `names` are those of the root folder, in
/// lower case too.
pub(super) fn find(files: &dyn BootFiles, names: &[String]) -> Result<Vec<&'static str>> {
    let is_there = |file: &&'static str| names.iter().any(|name| name == file);
    let mut found = Vec::new();
    for file in SEEDS.into_iter().filter(is_there) {
        if files.read(file)?.is_some_and(|bytes| has_settings(&bytes)) {
            found.push(file);
        }
    }
    for file in CUSTOM.into_iter().filter(is_there) {
        // A folder of this name is not applied.
        if files.read(file)?.is_some() {
            found.push(file);
        }
    }
    Ok(found)
}

/// Returns true if a file has more than comments and blank lines.
fn has_settings(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.any(|line| !line.is_empty() && !line.starts_with(b"#") && line != b"---")
}

#[cfg(test)]
mod tests {
    use crate::release::testing::Base;

    #[test]
    fn every_form_of_an_earlier_customisation_is_found() {
        let base = Base::trixie("2026-10-06");
        assert_eq!(base.facts().leftovers, [""; 0]);
        for (file, text) in [
            ("network-config", "network:\n  version: 2\n"),
            ("user-data", "#cloud-config\nhostname: other\n"),
            ("user-data", "#!/bin/sh\nreboot\n"),
            ("vendor-data", "#cloud-config\nruncmd: [reboot]\r\n"),
            ("custom.toml", ""),
            ("userconf", "pi:x\n"),
            ("userconf.txt", "pi:x\n"),
            ("wpa_supplicant.conf", "country=DE\n"),
            ("firstrun.sh", "#!/bin/bash\n"),
        ] {
            assert_eq!(base.clone().with(file, text).facts().leftovers, [file], "{text}");
        }
    }

    #[test]
    fn a_published_image_was_not_customised() {
        let comments = "#cloud-config\r\n\r\n  # hostname: pi\n---\n";
        let base = Base::trixie("2026-10-06");
        for file in ["network-config", "user-data", "vendor-data"] {
            let base = base.clone().with(file, comments);
            assert_eq!(base.facts().leftovers, [""; 0], "{file}");
        }
        for base in [
            Base::bookworm("2024-11-19"),
            Base::bullseye("2023-05-03"),
            Base::buster("2020-02-13"),
        ] {
            assert_eq!(base.facts().leftovers, [""; 0]);
        }
    }
}
