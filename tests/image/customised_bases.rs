//! Bases that somebody has customised, flashed or copied before.

use std::fs;
use std::path::PathBuf;

use crate::base::SMALL;
use crate::judge;
use crate::workplace::{Run, Workplace};

const NODE: [&str; 2] = ["--node", "pi4-2"];

/// A passphrase that must never be shown, and not be on a card of this user.
const SECRET: &str = "wobilix-passphrase";

/// Returns a copy of the small base to change.
fn copy(place: &Workplace) -> PathBuf {
    let base = place.path("base.img");
    let mut command = judge::tool("cp");
    judge::succeed(command.arg("--sparse=always").arg(SMALL.raw()).arg(&base));
    base
}

fn put(base: &std::path::Path, file: &str, text: &str) {
    judge::put_boot_file(base, &SMALL.boot(), file, text.as_bytes());
}

fn verify(place: &Workplace, more: &[&str]) -> Run {
    place.run(
        ["verify", "out/pi4-2.img", "--base", "base.img"]
            .iter()
            .chain(more),
    )
}

#[test]
fn nothing_of_an_earlier_customisation_is_on_a_card_or_on_the_screen() {
    let place = Workplace::new();
    let base = copy(&place);
    let wifi = format!(
        "network:\n  version: 2\n  wifis:\n    wlan0:\n      access-points:\n        other: {{ password: \"{SECRET}\" }}\n"
    );
    let applied = [
        "custom.toml",
        "firstrun.sh",
        "userconf.txt",
        "wpa_supplicant.conf",
    ];
    put(&base, "network-config", &wifi.repeat(100));
    put(
        &base,
        "user-data",
        &format!("#cloud-config\npassword: {SECRET}\n"),
    );
    for file in applied {
        put(&base, file, SECRET);
    }
    let inspected = place.run(["inspect", "base.img"]).exits(0).stdout;
    assert!(
        inspected.contains("customised: before, by network-config, user-data, custom.toml"),
        "{inspected}"
    );
    let run = place.build(&base, &NODE).exits(0);
    let run = run.says(&[
        "the base was customised before",
        "network-config, user-data",
        "published",
    ]);
    let run = run.says(&applied);
    let image = place.path("out/pi4-2.img");
    for file in applied {
        assert_eq!(judge::boot_file(&image, &SMALL.boot(), file), None, "{file}");
    }
    let config = judge::boot_text(&image, &SMALL.boot(), "network-config");
    assert!(config.lines().all(|line| line.starts_with('#')), "{config}");
    judge::assert_valid_fat(&image, &SMALL.boot());
    // Nor where no file is: network-config is shorter than it was.
    let bytes = fs::read(&image).unwrap();
    let found = bytes
        .windows(SECRET.len())
        .any(|bytes| bytes == SECRET.as_bytes());
    assert!(!found, "the passphrase is still in the image");
    let verified = verify(&place, &[]).exits(0);
    for run in [run, verified] {
        assert!(
            !run.stderr.contains(SECRET) && !run.stdout.contains(SECRET),
            "{run:?}"
        );
    }
    put(&image, "custom.toml", "x");
    verify(&place, &[]).exits(5).says(&["custom.toml"]);

    // The user's own file is theirs.
    fs::create_dir_all(place.path("overlays/pi4-2")).unwrap();
    fs::write(place.path("overlays/pi4-2/Userconf.txt"), "mine").unwrap();
    place.build(&base, &NODE).exits(0);
    assert_eq!(judge::boot_text(&image, &SMALL.boot(), "userconf.txt"), "mine");
    verify(&place, &[]).exits(0);
    let run = place.build(&SMALL.raw(), &NODE).exits(0);
    assert!(!run.stderr.contains("customised"), "{}", run.stderr);
}

#[test]
fn a_base_whose_disk_has_another_id_than_its_command_line_cannot_boot() {
    let place = Workplace::new();
    let base = copy(&place);
    judge::succeed(
        judge::tool("sfdisk")
            .arg("--disk-id")
            .arg(&base)
            .arg("0xdeadbeef"),
    );
    let words = [
        "cannot boot",
        "root=PARTUUID=ec6d1f27-02",
        "deadbeef-01 and deadbeef-02",
    ];
    place.build(&base, &NODE).exits(7).says(&words).says(&["--force"]);
    let inspected = place.run(["inspect", "base.img"]).exits(0).stdout;
    assert!(
        inspected.contains("boots:      no, its cmdline.txt says root="),
        "{inspected}"
    );
    assert_eq!(place.out_names(), [""; 0]);
    assert!(!place.path("cluster.secrets").exists(), "no keys must be created");
    place
        .build(&base, &[&NODE[..], &["--force"]].concat())
        .exits(0)
        .says(&words);
    let refused = verify(&place, &[]).exits(5).says(&words);
    assert_eq!(refused.stdout, "");
    verify(&place, &["--force"]).exits(0).says(&words);

    // A node whose own command line is right can boot.
    let line = judge::boot_text(&place.path("out/pi4-2.img"), &SMALL.boot(), "cmdline.txt");
    fs::create_dir_all(place.path("overlays/pi4-2")).unwrap();
    let own = place.path("overlays/pi4-2/cmdline.txt");
    fs::write(own, line.replace("ec6d1f27", "deadbeef")).unwrap();
    let run = place.build(&base, &NODE).exits(0);
    assert!(!run.stderr.contains("cannot boot"), "{}", run.stderr);
    verify(&place, &[]).exits(0);
    place.build(&base, &["--all"]).exits(7).says(&words);
}

#[test]
fn a_copy_of_a_card_that_has_booted_is_told_from_a_published_image() {
    let place = Workplace::new();
    let base = copy(&place);
    let line = judge::boot_text(&base, &SMALL.boot(), "cmdline.txt");
    put(&base, "cmdline.txt", &line.replace(" resize", ""));
    place
        .build(&base, &NODE)
        .exits(0)
        .says(&["the copy of a card that has booted", "root partition"]);
    let run = place.build(&SMALL.raw(), &NODE).exits(0);
    assert!(!run.stderr.contains("has booted"), "{}", run.stderr);
}

#[test]
fn another_system_for_the_pi_is_not_taken_for_raspberry_pi_os() {
    let place = Workplace::new();
    let base = copy(&place);
    for file in ["issue.txt", "kernel8.img", "kernel_2712.img"] {
        judge::delete_boot_file(&base, &SMALL.boot(), file);
    }
    put(&base, "vmlinuz", "Ubuntu's kernel");
    let words = ["does not look like Raspberry Pi OS", "issue.txt"];
    place.build(&base, &NODE).exits(7).says(&words);
    let inspected = place.run(["inspect", "base.img"]).exits(0);
    assert!(
        inspected.stdout.contains("release:    unknown"),
        "{}",
        inspected.stdout
    );
}
